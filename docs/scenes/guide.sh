# From a broken program to a fixed one: the program of `paramedic demo`.
cp $REPO/src/paramedic/demo/train.py .

# output: guide-alone
python train.py

# output: guide-run
paramedic run train.py

# output: guide-fix
paramedic fix

# output: guide-verify
paramedic fix --verify

# output: guide-apply
paramedic fix --apply

# output: guide-again
paramedic run train.py

# output: guide-runs
paramedic runs

# output: guide-compare
paramedic compare $(ls .paramedic | head -1) $(ls .paramedic | tail -1)

# output: guide-replay
paramedic replay $(ls .paramedic | head -1)

# output: guide-explain
paramedic explain softmax-before-cross-entropy
