cp $REPO/docs/scenes/train.py .

sed -i 's/loss.backward()/loss.backward()  # paramedic: ignore[missing-zero-grad] summed on purpose/' train.py

# output: known-comment
paramedic run --no-experiments train.py

sed -i 's/ignore\[missing-zero-grad\]/ignore[missing-zerograd]/' train.py

# output: known-misspelt
paramedic run --no-experiments train.py

cp $REPO/docs/scenes/train.py .

# output: known-write
paramedic run --no-experiments --write-baseline train.py

# output: known-baseline
cat paramedic-baseline.json

# output: known-again
paramedic run --no-experiments train.py

sed -i 's/^    loss.backward/    optimizer.zero_grad()\n    loss.backward/' train.py

# output: known-gone
paramedic run --no-experiments train.py

# output: known-prune
paramedic run --no-experiments --prune-baseline train.py
