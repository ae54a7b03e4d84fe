// The same with a network of its own and a file copied into the sibling.
import { GenericContainer, Network, Wait } from "testcontainers";

const network = await new Network().start();
const sibling = await new GenericContainer(process.env.SIBLING_IMAGE)
  .withNetwork(network)
  .withCopyContentToContainer([{ content: "hello\n", target: "/tmp/index.html" }])
  .withCommand(["sh", "-c", "cd /tmp; echo READY; exec httpd -f -p 8080"])
  .withExposedPorts(8080)
  .withWaitStrategy(Wait.forLogMessage("READY"))
  .start();
const url = `http://${sibling.getHost()}:${sibling.getMappedPort(8080)}/`;
console.log("answer:", (await (await fetch(url)).text()).trim());
console.log("exec:", (await sibling.exec(["echo", "inside"])).output.trim());
await sibling.stop();
await network.stop();
