cp $REPO/docs/scenes/train.py .

cat > pyproject.toml <<'END'
[tool.paramedic]
budgit = 60
END

# output: config-key
paramedic run train.py

cat > pyproject.toml <<'END'
[tool.paramedic]
ignore = ["mising-zero-grad"]
END

# output: config-check
paramedic run train.py

cat > pyproject.toml <<'END'
[tool.paramedic.thresholds]
"missing-zero-grad.least-shar" = 0.6
END

# output: config-threshold
paramedic run train.py

cat > pyproject.toml <<'END'
[tool.paramedic]
ignore = [{ check = "missing-zero-grad", reason = "gradients are summed on purpose" }]
END

# output: config-ignored
paramedic run --no-experiments train.py
