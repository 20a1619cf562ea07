"""Everything between the engine and the API's wire; no module here knows the front."""
