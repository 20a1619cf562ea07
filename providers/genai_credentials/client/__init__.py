"""The modules between the engine and the API's wire. They import nothing of the public front."""
