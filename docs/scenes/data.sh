# Two data sets alone: a table and a folder of pictures, with faults in them.
python $REPO/docs/scenes/bad_data.py

# output: data-table
paramedic data badwine.csv --label class

# output: data-pictures
paramedic data digits
