cp $REPO/docs/scenes/train.py $REPO/docs/scenes/mcp_client.py .

# output: mcp
python mcp_client.py
