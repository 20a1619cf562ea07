"""What thinking about the key costs: six groups of measurements, each against its peers on the same work.

python -m tests.benchmarks             one table, results.json, the plots; under five minutes on two cores
python -m tests.benchmarks --docs      docs/benchmarks.md and docs/assets/benchmarks-*.svg from results.json
python -m tests.benchmarks --only herd --smoke
"""
