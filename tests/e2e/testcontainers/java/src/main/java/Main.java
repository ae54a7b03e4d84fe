import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** The same in Java. */
public class Main {
  public static void main(String[] args) throws Exception {
    var image = DockerImageName.parse(System.getenv("SIBLING_IMAGE"));
    try (var sibling = new GenericContainer<>(image)) {
      sibling
          .withCommand("sh", "-c", "echo hello > /tmp/index.html; cd /tmp; echo READY; exec httpd -f -p 8080")
          .withExposedPorts(8080)
          .waitingFor(Wait.forLogMessage(".*READY.*", 1))
          .start();
      var url = URI.create("http://" + sibling.getHost() + ":" + sibling.getMappedPort(8080) + "/");
      var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString());
      System.out.println("answer: " + answer.body().strip());
      System.out.println("exec: " + sibling.execInContainer("echo", "inside").getStdout().strip());
    }
  }
}
