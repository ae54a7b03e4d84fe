#include <jailed/engine/words/error_output.hpp>
#include <random>

#include "catch.hpp"

using jailed::engine::ErrorOutput;

namespace {

struct Split {
  std::string shown;
  std::string held;
  bool operator==(const Split&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Split& split) {
  return out << "shown <" << split.shown << ">, held <" << split.held << ">";
}

Split in_pieces(const std::string& text, std::size_t size) {
  ErrorOutput output;
  std::string shown;
  for (std::size_t at = 0; at < text.size(); at += size) shown += output.feed(text.substr(at, size));
  return {shown, output.held()};
}

Split whole(const std::string& text) { return in_pieces(text, std::max<std::size_t>(text.size(), 1)); }

}  // namespace

TEST_CASE("a client's own words are held back until it is known how the call ended", "[engine]") {
  // Word for word from docker 20.10 and 28.2, podman 4.3.
  const std::string text = GENERATE(
      "docker: Error response from daemon: No such image: jailed:latest.\nSee 'docker run --help'.\n",
      "docker: Error response from daemon: No such image: jailed:latest\n\nRun 'docker run --help' for more "
      "information\n",
      "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
      "running?.\nSee 'docker run --help'.\n",
      "WARNING: Error loading config file: open /root/.docker/config.json: permission denied\ndocker: "
      "permission "
      "denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Head "
      "\"http://%2Fvar%2Frun%2Fdocker.sock/_ping\": dial unix /var/run/docker.sock: connect: permission "
      "denied\n\nRun 'docker run --help' for more information\n",
      "Error: jailed:latest: image not known\n",
      "time=\"2024-01-01T00:00:00Z\" level=warning msg=\"x\"\nError: runc: y: OCI runtime error\n",
      "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.\nError: x\n");
  CHECK(whole(text) == Split{"", text});
}

TEST_CASE("what the command says passes at once", "[engine]") {
  for (const std::string text :
       {"hello\n", "x", "\n", "  indented\n", "error: lower case\n", "\x1b[31mred", "docker\n"})
    CHECK(whole(text) == Split{text, ""});
}

TEST_CASE("a warning of the client comes out when the command speaks, in order", "[engine]") {
  ErrorOutput output;
  CHECK(output.feed("WARNING: no swap limit\n") == "");
  CHECK(output.held() == "WARNING: no swap limit\n");
  CHECK(output.feed("hello") == "WARNING: no swap limit\nhello");
  CHECK(output.held() == "");
  CHECK(output.feed("docker: not the client any more\n") == "docker: not the client any more\n");
  CHECK(output.held() == "");
}

TEST_CASE("what looks like the client's words is kept, also when no line break follows", "[engine]") {
  CHECK(whole("E") == Split{"", "E"});
  CHECK(whole("Error: disk") == Split{"", "Error: disk"});
  CHECK(whole("docker: a\nSee 'docker") == Split{"", "docker: a\nSee 'docker"});
}

TEST_CASE("how the bytes arrive does not matter, and none is lost", "[engine]") {
  std::mt19937 random(5);
  const std::vector<std::string> pieces = {"docker: ",
                                           "docker: x\n",
                                           "Error: y\n",
                                           "\n",
                                           "WARNING: z\n",
                                           "W",
                                           "See 'docker run --help'.\n",
                                           "hello\n",
                                           "Error",
                                           "time=\"t\"\n",
                                           "Emul",
                                           "\xff",
                                           "dock",
                                           "E\n",
                                           "Error response"};
  std::uniform_int_distribution<std::size_t> one_of(0, pieces.size() - 1);
  std::uniform_int_distribution<int> count(1, 6);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = count(random); i > 0; --i) text += pieces[one_of(random)];
    const auto expected = whole(text);
    CHECK(expected.shown + expected.held == text);
    for (const std::size_t size : {1U, 2U, 3U, 7U}) CHECK(in_pieces(text, size) == expected);
  }
}

TEST_CASE("what comes after the mark is the command's, whatever it is like, and the mark is nobody's", "[engine]") {
  const std::string mark = "\x1ejailed\x1e";
  for (const std::size_t size : {1U, 2U, 3U, 7U, 100U}) {
    for (const std::string client : {"", "WARNING: no swap limit\n", "something new of the client\n", "\x1e"}) {
      ErrorOutput output({}, mark);
      std::string shown;
      const auto text = client + mark + "Error: No such container: x\n" + mark;
      for (std::size_t at = 0; at < text.size(); at += size) shown += output.feed(text.substr(at, size));
      CHECK(shown == client + "Error: No such container: x\n" + mark);
      CHECK(output.held().empty());
      CHECK(output.command_began());
    }
  }
  ErrorOutput none({}, mark);
  CHECK(none.feed("Error: No such container: x\n\x1ejai") == "");
  CHECK(none.held() == "Error: No such container: x\n\x1ejai");
  CHECK_FALSE(none.command_began());
}

TEST_CASE("where process 1 says that the command has begun, nothing of it is held back", "[engine]") {
  bool begun = false;
  ErrorOutput output([&] { return begun; });
  CHECK(output.feed("WARNING: no swap limit\n") == "");
  begun = true;
  CHECK(output.feed("Error: network jailed-isolated not found\n") == "WARNING: no swap limit\nError: network jailed-isolated not found\n");
  CHECK(output.held().empty());
}

TEST_CASE("a client that never stops talking is not held back for ever", "[engine]") {
  const std::string line = "Error: " + std::string(200, 'x') + (GENERATE(true, false) ? "\n" : "");
  ErrorOutput output({}, GENERATE("", "<mark>"));
  std::string shown;
  for (int i = 0; i < 20000; ++i) {
    shown += output.feed(line);
    REQUIRE(output.held().size() < 2 * ErrorOutput::kMostHeld);
  }
  CHECK(shown.size() + output.held().size() == 20000 * line.size());
}
