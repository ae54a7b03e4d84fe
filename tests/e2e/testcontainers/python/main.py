"""As a README would have it: start a sibling, wait for it, talk to its port, run something in it, clean up."""
import os
import urllib.request

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

serve = "echo hello > /tmp/index.html; cd /tmp; echo READY; exec httpd -f -p 8080"
container = DockerContainer(os.environ["SIBLING_IMAGE"]).with_command(["sh", "-c", serve]).with_exposed_ports(8080)
with container.waiting_for(LogMessageWaitStrategy("READY")) as sibling:
    url = f"http://{sibling.get_container_host_ip()}:{sibling.get_exposed_port(8080)}/"
    print("answer:", urllib.request.urlopen(url, timeout=10).read().decode().strip())
    print("exec:", sibling.exec(["echo", "inside"]).output.decode().strip())
