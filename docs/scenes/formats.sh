cp $REPO/docs/scenes/train.py .

paramedic run train.py

# output: format-json
paramedic report --format json --fail-on never | head -60

# output: format-sarif
paramedic report --format sarif --fail-on never | head -60

# output: format-junit
paramedic report --format junit --fail-on never | head -30

# output: format-github
paramedic report --format github --fail-on never

# output: format-markdown
paramedic report --format markdown --fail-on never

# output: format-html
paramedic report --format html; ls .paramedic/*/

# output: format-explain
paramedic explain missing-zero-grad --format json
