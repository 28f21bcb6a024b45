# The steps of examples/ci/train-check.yml, on a faulty program and on the fixed one.
cp $REPO/docs/scenes/train.py .

# output: ci-faulty
paramedic run --steps 200 --fail-on fault --format sarif --output paramedic.sarif train.py > log.txt; echo "exit code $?"

# output: ci-annotate
paramedic report --format github --fail-on never

# output: ci-summary
paramedic report --format markdown --fail-on never

sed -i 's/^    loss.backward/    optimizer.zero_grad()\n    loss.backward/' train.py

# output: ci-fixed
paramedic run --steps 200 --fail-on fault --format sarif --output paramedic.sarif train.py > log.txt; echo "exit code $?"

# output: ci-fixed-annotate
paramedic report --format github --fail-on never
