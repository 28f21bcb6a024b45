cp $REPO/examples/plugin/*.py .

pip install --quiet --no-deps --target site $REPO/examples/plugin && echo "export PYTHONPATH=$PWD/site:$PYTHONPATH" > .environment

# output: plugin-faulty
paramedic run faulty.py

# output: plugin-fixed
paramedic run --select unscaled-tied-embedding fixed.py

# output: plugin-explain
paramedic explain unscaled-tied-embedding

# output: plugin-checks
paramedic checks | tail -4

# output: plugin-ignored
paramedic run --no-experiments --ignore unscaled-tied-embedding faulty.py
