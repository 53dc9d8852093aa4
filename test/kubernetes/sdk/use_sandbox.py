"""Uses a sandbox as the SDK's users do: claims one from a pool, works in it, ends it. Prints a line of JSON of what it saw.

Usage: use_sandbox.py NAMESPACE POOL WAY, WAY one of
  tunnel                  through a port forwarded by kubectl to the router's Service
  direct URL PORT [TOKEN] to a router at URL, and there to a sandbox's port
  gateway NAME            through the Gateway of that name, in the namespace
  in-cluster              to the Pod itself
"""

import io
import json
import sys

from k8s_agent_sandbox import SandboxClient
from k8s_agent_sandbox.exceptions import SandboxRequestError
from k8s_agent_sandbox.models import (
    SandboxDirectConnectionConfig,
    SandboxGatewayConnectionConfig,
    SandboxInClusterConnectionConfig,
    SandboxLocalTunnelConnectionConfig,
)


def connection(way, *more):
    if way == "direct":
        url, port, *token = more
        headers = {"Authorization": f"Bearer {token[0]}"} if token else {}
        return SandboxDirectConnectionConfig(api_url=url, server_port=int(port), extra_headers=headers)
    if way == "gateway":
        return SandboxGatewayConnectionConfig(gateway_name=more[0], gateway_namespace=namespace)
    if way == "in-cluster":
        return SandboxInClusterConnectionConfig()
    return SandboxLocalTunnelConnectionConfig()


def refusal(call):
    try:
        call()
    except SandboxRequestError as error:
        return [error.status_code, error.response.json()]
    return None


namespace, pool, *way = sys.argv[1:]
client = SandboxClient(connection_config=connection(*way))
sandbox = client.create_sandbox(warmpool=pool, namespace=namespace, sandbox_ready_timeout=120)
try:
    files, commands = sandbox.files, sandbox.commands
    seen = {"claim": sandbox.claim_name, "sandbox": sandbox.sandbox_id, "status": sandbox.status()[0]}

    files.write("notes/ä b.txt", "written\n")
    files.write("/rooted.txt", b"rooted")
    files.write("streamed.bin", io.BytesIO(b"\0\1\2" * 1_000_000))
    seen["read"] = files.read("notes/ä b.txt").decode()
    streamed = io.BytesIO()
    seen["streamed"] = files.read_to("streamed.bin", streamed)
    seen["equal"] = streamed.getvalue() == b"\0\1\2" * 1_000_000
    seen["exists"] = [files.exists(path) for path in ("notes", "notes/ä b.txt", "/rooted.txt", "missing")]
    seen["list"] = sorted([entry.name, entry.type, entry.size] for entry in files.list("notes"))
    seen["root"] = sorted(entry.name for entry in files.list("/"))
    seen["outside"] = refusal(lambda: files.read("../etc/passwd", allow_unsafe_paths=True))
    commands.run("ln -s /etc out")
    commands.run("ln -s notes in")
    seen["links"] = [refusal(lambda: files.read("out/passwd")), files.exists("in/ä b.txt")]
    seen["missing"] = refusal(lambda: files.read("missing"))

    run = commands.run("sh -c 'cat \"notes/ä b.txt\"; pwd; echo err >&2; exit 3'")
    seen["run"] = [run.stdout.splitlines()[0], run.stderr, run.exit_code]
    seen["words"] = commands.run("echo 'a  b' $HOME ; #").stdout
    slow = commands.run("sleep 60", command_timeout=0.5)
    seen["slow"] = [slow.exit_code, slow.timed_out]
    seen["unknown"] = commands.run("no-such-program").exit_code

    again = SandboxClient(connection_config=connection(*way)).get_sandbox(sandbox.claim_name, namespace=namespace)
    seen["again"] = again.commands.run("cat rooted.txt").stdout
    again.close_connection()
    seen["before"] = client.list_all_sandboxes(namespace=namespace)
finally:
    sandbox.terminate()
seen["after"] = client.list_all_sandboxes(namespace=namespace)
print(json.dumps(seen))
