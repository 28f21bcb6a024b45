"""What a coding agent does: list the tools, run a program, ask about what was found."""

import asyncio
import json

from mcp import ClientSession, StdioServerParameters, stdio_client

CALLS = [
    ("run", {"script": "train.py", "budget": 0}),
    ("fix", {}),
    ("explain", {"name": "missing-zero-grad"}),
    ("run", {"script": "../elsewhere/train.py"}),
]


async def main():
    server = StdioServerParameters(command="paramedic", args=["mcp", "--folder", "."])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as client:
        await client.initialize()
        print("tools:", ", ".join(tool.name for tool in (await client.list_tools()).tools))
        for name, arguments in CALLS:
            result = await client.call_tool(name, arguments)
            text = "\n".join(item.text for item in result.content)
            print(f"\n{name} {json.dumps(arguments)}\n{text[:700]}{' ...' if len(text) > 700 else ''}")


asyncio.run(main())
