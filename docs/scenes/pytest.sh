cp $REPO/docs/scenes/test_model.py .

# output: pytest-option
pytest --paramedic -v -rs -p no:cacheprovider test_model.py

# output: pytest-plain
pytest -q -p no:cacheprovider test_model.py
