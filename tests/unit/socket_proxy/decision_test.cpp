#include <catch.hpp>
#include <fmt/format.h>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/plan/sync/volume.hpp>
#include <jailed/socket_proxy/decision.hpp>
#include <nlohmann/json.hpp>

using namespace jailed::socket_proxy;
using nlohmann::json;

namespace {

const std::string kOwnContainer(64, 'a');
const std::string kOwnNetwork(64, 'b');
const std::string kOwnExec(64, 'c');
const std::string kForeign(64, 'f');
const Policy kPolicy{"5e551011", 1 << 30, 4096};

Owned owned() {
  Owned things;
  things.add_container(kOwnContainer, "mine");
  things.add_network(kOwnNetwork, "my-net");
  things.add_volume("my-volume");
  things.add_exec(kOwnExec);
  return things;
}

Decision decided(const std::string& method, const std::string& target, const std::string& body = {}) {
  return decide({method, target, body}, kPolicy, owned());
}

int status_of(const Decision& decision) {
  const auto* refusal = std::get_if<Refusal>(&decision);
  return refusal == nullptr ? 0 : refusal->status;
}

std::string sent(const Decision& decision) {
  const auto* forward = std::get_if<Forward>(&decision);
  return forward == nullptr ? std::get<Refusal>(decision).message : forward->target;
}

// What the engine gets for a container with this in its HostConfig; null when it is refused.
json created(const json& host_config, json body = {{"Image", "busybox:1"}}) {
  body["HostConfig"] = host_config;
  const auto decision = decided("POST", "/containers/create", body.dump());
  const auto* forward = std::get_if<Forward>(&decision);
  return forward == nullptr ? json() : json::parse(forward->body);
}

struct Call {
  const char* method;
  std::string target;
  std::string body;
};

}  // namespace

TEST_CASE("calls that Testcontainers makes are allowed on what this jail made", "[socket_proxy]") {
  const std::string id = kOwnContainer;
  const std::vector<Call> calls = {
      {"GET", "/_ping", ""},
      {"HEAD", "/_ping", ""},
      {"GET", "/v1.41/version", ""},
      {"GET", "/info", ""},
      {"GET", "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D", ""},
      {"GET", "/images/json", ""},
      {"GET", "/images/busybox:1/json", ""},
      {"GET", "/images/registry.example:5000/team/app@sha256:00/json", ""},
      {"GET", "/images/registry.example%2Fteam%2Fapp:1/json", ""},
      {"POST", "/images/create?fromImage=busybox&tag=1", ""},
      {"GET", "/containers/json?all=1", ""},
      {"POST", "/containers/create?name=db", R"({"Image":"busybox"})"},
      {"POST", "/containers/create?Cmd=a&Cmd=b&HostConfig=x", R"({"Image":"busybox"})"},
      {"POST", "/v1.32/containers/" + id + "/start", ""},
      {"GET", "/containers/mine/json", ""},
      {"GET", "/containers/mine/logs?stdout=1&follow=1", ""},
      {"POST", "/containers/mine/wait", ""},
      {"POST", "/containers/mine/stop?t=1", ""},
      {"POST", "/containers/mine/kill?signal=KILL", ""},
      {"POST", "/containers/mine/attach?stream=1&stdin=1", ""},
      {"PUT", "/containers/mine/archive?path=%2Ftmp", ""},
      {"GET", "/containers/mine/archive?path=%2Ftmp", ""},
      {"POST", "/containers/mine/exec", R"({"Cmd":["id"],"AttachStdout":true})"},
      {"POST", "/exec/" + kOwnExec + "/start", R"({"Detach":false})"},
      {"GET", "/exec/" + kOwnExec + "/json", ""},
      {"DELETE", "/containers/mine?force=True&v=1&link=False", ""},
      {"POST", "/images/prune", ""},
      {"POST", "/networks/create", R"({"Name":"net","CheckDuplicate":true})"},
      {"GET", "/networks", ""},
      {"GET", "/networks/my-net", ""},
      {"POST", "/networks/my-net/connect", R"({"Container":"mine"})"},
      {"POST", "/networks/my-net/disconnect", R"({"Container":"mine","Force":true})"},
      {"DELETE", "/networks/my-net", ""},
      {"POST", "/volumes/create", R"({"Name":"data"})"},
      {"GET", "/volumes", ""},
      {"GET", "/volumes/my-volume", ""},
      {"DELETE", "/volumes/my-volume", ""},
  };
  for (const auto& call : calls) {
    const auto decision = decided(call.method, call.target, call.body);
    INFO(call.method << " " << call.target << ": " << sent(decision));
    CHECK(status_of(decision) == 0);
  }
}

TEST_CASE("everything else is refused", "[socket_proxy]") {
  const std::vector<Call> calls = {
      {"DELETE", "/images/busybox", ""},
      {"POST", "/containers/create?name=a&name=b", R"({"Image":"busybox"})"},
      {"POST", "/images/busybox/tag?repo=jailed", ""},
      {"POST", "/images/busybox/push", ""},
      {"POST", "/images/load", ""},
      {"GET", "/images/get?names=busybox", ""},
      {"GET", "/images/busybox/get", ""},
      {"POST", "/images/create?fromSrc=-", ""},
      {"POST", "/images/create?fromImage=dir:/etc", ""},
      {"POST", "/images/create?fromImage=oci-archive:x", ""},
      {"POST", "/images/create?fromImage=busybox&changes=USER%20root", ""},
      {"GET", "/images/x%2F..%2F..%2Fcontainers%2F" + kForeign + "/json", ""},
      {"POST", "/build", ""},
      {"POST", "/build/prune", ""},
      {"POST", "/commit?container=mine", ""},
      {"POST", "/auth", "{}"},
      {"POST", "/session", ""},
      {"POST", "/grpc", ""},
      {"GET", "/secrets", ""},
      {"POST", "/secrets/create", "{}"},
      {"GET", "/configs", ""},
      {"GET", "/swarm", ""},
      {"POST", "/swarm/init", "{}"},
      {"GET", "/services", ""},
      {"GET", "/nodes", ""},
      {"GET", "/tasks", ""},
      {"GET", "/plugins", ""},
      {"POST", "/plugins/pull?remote=x", "[]"},
      {"GET", "/system/df", ""},
      {"GET", "/distribution/busybox/json", ""},
      {"GET", "/libpod/info", ""},
      {"POST", "/v4.0.0/libpod/containers/create", "{}"},
      {"POST", "/containers/mine/update", "{}"},
      {"POST", "/containers/mine/rename?name=x", ""},
      {"GET", "/containers/mine/export", ""},
      {"GET", "/containers/mine/attach/ws", ""},
      {"GET", "/containers/mine/top?ps_args=e", ""},
      {"DELETE", "/containers/mine?link=1", ""},
      {"GET", "/containers/other/json", ""},
      {"GET", "/containers/" + kForeign + "/logs?stdout=1", ""},
      {"POST", "/containers/" + kForeign + "/exec", R"({"Cmd":["id"]})"},
      {"POST", "/containers/" + kForeign + "/start", ""},
      {"POST", "/containers/" + kForeign + "/kill", ""},
      {"PUT", "/containers/" + kForeign + "/archive?path=%2F", ""},
      {"DELETE", "/containers/" + kForeign + "?force=1", ""},
      {"POST", "/exec/" + kForeign + "/start", "{}"},
      {"GET", "/networks/bridge", ""},
      {"DELETE", "/networks/other", ""},
      {"POST", "/networks/host/connect", R"({"Container":"mine"})"},
      {"POST", "/networks/my-net/connect", R"({"Container":"other"})"},
      {"DELETE", "/volumes/other", ""},
      {"PUT", "/volumes/my-volume", "{}"},
      {"PATCH", "/containers/mine/json", ""},
      {"CONNECT", "/_ping", ""},
      {"get", "/_ping", ""},
  };
  for (const auto& call : calls) {
    INFO(call.method << " " << call.target);
    CHECK(status_of(decided(call.method, call.target, call.body)) >= 400);
  }
}

TEST_CASE("a container is created with the session's label and within the jail's limits", "[socket_proxy]") {
  const auto decision =
      decided("POST", "/v1.41/containers/create?name=db", R"({"Image":"busybox","Labels":{"a":"b"}})");
  const auto& forward = std::get<Forward>(decision);
  CHECK(forward.target == "/v1.41/containers/create?name=db");
  CHECK(forward.subject == "db");
  CHECK(forward.reply == Reply::container_made);
  auto body = json::parse(forward.body);
  std::erase_if(body["Labels"].get_ref<json::object_t&>(), [](const auto& label) { return label.second == ""; });
  CHECK(body ==
        json({{"Image", "busybox"},
              {"Labels", {{"a", "b"}, {"jailed.sibling", "5e551011"}}},
              {"HostConfig", {{"Memory", 1 << 30}, {"MemorySwap", 1 << 30}, {"PidsLimit", 4096}}}}));
  CHECK(created({{"Memory", -1}, {"PidsLimit", 0}})["HostConfig"]["Memory"] == 1 << 30);
  CHECK(created({{"Memory", 1 << 20}, {"PidsLimit", 10}})["HostConfig"]["PidsLimit"] == 10);
}

// An image can carry any label; a container has those that its request does not set.
TEST_CASE("no image makes a container a jail's: every label that jailed knows its own by is set", "[socket_proxy]") {
  const auto decision = decided("POST", "/containers/create", R"({"Image":"busybox"})");
  const auto labels = json::parse(std::get<Forward>(decision).body)["Labels"];
  jailed::plan::Jail jail;
  jail.id = "0123456789ab";
  jail.project = "/p";
  jail.role = "git";
  jail.further = {{"api", "/p/api"}};
  const jailed::plan::Engine engine{.kind = jailed::plan::EngineKind::docker, .program = "docker", .asked_from = "here"};
  auto known = jailed::plan::create_volume_command(engine, jailed::plan::detached(jailed::plan::keeper(jail, {}), {})).args;
  known.push_back("jailed.network=");
  std::size_t count = 0;
  for (const auto& word : known) {
    if (!word.starts_with("jailed.")) continue;
    const auto name = word.substr(0, word.find('='));
    INFO(name);
    CHECK(labels.value(name, "missing") == "");
    ++count;
  }
  CHECK(count == 13);
  CHECK(labels.value("PODMAN_SYSTEMD_UNIT", "missing") == "");
}

TEST_CASE("names that jailed gives are nobody else's", "[socket_proxy]") {
  const auto name = "jailed-app-0123456789ab";
  const std::string create = "/containers/create?name=";
  CHECK(status_of(decided("POST", create + name, R"({"Image":"busybox"})")) == 403);
  CHECK(status_of(decided("POST", create + "%2F" + name, R"({"Image":"busybox"})")) == 403);
  CHECK(status_of(decided("POST", create + "app-jailed-x", R"({"Image":"busybox"})")) != 403);
  for (const std::string room : {"/volumes/create", "/networks/create"}) {
    CHECK(status_of(decided("POST", room, json{{"Name", name}}.dump())) == 403);
    CHECK(status_of(decided("POST", room, R"({"Name":"app"})")) != 403);
  }
}

TEST_CASE("what is harmless in a HostConfig passes", "[socket_proxy]") {
  for (
      const auto* text : {
          R"({"AutoRemove":true,"PublishAllPorts":true,"Init":true,"ReadonlyRootfs":true})",
          R"({"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}],"81":[{"HostPort":"0"}],"82/udp":[{"HostPort":"8080"}]}})",
          R"({"Privileged":false,"CapAdd":[],"CapDrop":["ALL"],"Devices":[],"SecurityOpt":["no-new-privileges"]})",
          R"({"IpcMode":"private","PidMode":"","UTSMode":"","UsernsMode":"","CgroupnsMode":"private"})",
          R"({"Binds":["my-volume:/data:ro"],"Mounts":[{"Type":"volume","Source":"my-volume","Target":"/d"}]})",
          R"({"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1024,"Mode":448}}]})",
          R"({"Tmpfs":{"/t":"rw,noexec,size=1m"},"ShmSize":1048576,"Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}]})",
          R"({"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}})",
          R"({"NetworkMode":"bridge","ExtraHosts":["host.docker.internal:host-gateway"],"Dns":["192.0.2.1"]})",
          R"({"Sysctls":{},"MaskedPaths":null,"ReadonlyPaths":null,"Runtime":"","Unknown":null})",
      }) {
    INFO(text);
    CHECK_FALSE(created(json::parse(text)).is_null());
  }
}

TEST_CASE("what reaches beyond the container is refused", "[socket_proxy]") {
  for (
      const auto* text : {
          R"({"Privileged":true})",
          R"({"privileged":true})",
          R"({"PRIVILEGED":true})",
          R"({"Privileged":"true"})",
          R"({"Binds":["/:/host"]})",
          R"({"Binds":["./:/host"]})",
          R"({"Binds":["other:/data"]})",
          R"({"Binds":["my-volume"]})",
          R"({"Binds":["my-volume:/data:ro,rshared"]})",
          R"({"Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]})",
          R"({"Mounts":[{"Type":"npipe","Source":"x","Target":"/host"}]})",
          R"({"Mounts":[{"type":"bind","Source":"/","Target":"/host"}]})",
          R"({"Mounts":[{"Target":"/host"}]})",
          R"({"Mounts":[{"Type":"volume","Source":"other","Target":"/d"}]})",
          R"({"Mounts":[{"Type":"volume","Target":"/d,type=bind"}]})",
          R"({"Mounts":[{"Type":"volume","Target":"/d","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"o":"bind","device":"/","type":"none"}}}}]})",
          R"({"Mounts":[{"Type":"tmpfs","Target":"/d","BindOptions":{"Propagation":"rshared"}}]})",
          R"({"VolumesFrom":["other"]})",
          R"({"VolumeDriver":"rclone"})",
          R"({"PidMode":"host"})",
          R"({"PidMode":"container:mine"})",
          R"({"IpcMode":"host"})",
          R"({"NetworkMode":"host"})",
          R"({"NetworkMode":"container:other"})",
          R"({"NetworkMode":"ns:/proc/1/ns/net"})",
          R"({"NetworkMode":"other"})",
          R"({"UTSMode":"host"})",
          R"({"UsernsMode":"host"})",
          R"({"CgroupnsMode":"host"})",
          R"({"Cgroup":"container:x"})",
          R"({"CgroupParent":"/"})",
          R"({"CapAdd":["SYS_ADMIN"]})",
          R"({"Capabilities":["ALL"]})",
          R"({"Devices":[{"PathOnHost":"/dev/mem","PathInContainer":"/dev/mem"}]})",
          R"({"DeviceCgroupRules":["a *:* rwm"]})",
          R"({"DeviceRequests":[{"Count":-1}]})",
          R"({"SecurityOpt":["seccomp=unconfined"]})",
          R"({"SecurityOpt":["no-new-privileges:false"]})",
          R"({"SecurityOpt":["systempaths=unconfined"]})",
          R"({"MaskedPaths":[]})",
          R"({"ReadonlyPaths":[]})",
          R"({"Runtime":"/tmp/evil"})",
          R"({"Sysctls":{"kernel.core_pattern":"|/x"}})",
          R"({"OomScoreAdj":-1000})",
          R"({"OomKillDisable":true})",
          R"({"RestartPolicy":{"Name":"always"}})",
          R"({"LogConfig":{"Type":"syslog"}})",
          R"({"LogConfig":{"Type":"json-file","Config":{"path":"/etc/x"}}})",
          R"({"ContainerIDFile":"/etc/x"})",
          R"({"GroupAdd":["keep-groups"]})",
          R"({"Annotations":{"run.oci.hooks":"x"}})",
          R"({"InitPath":"/x"})",
          R"({"Tmpfs":{"/t":"rw,suid"}})",
          R"({"Tmpfs":{"/t:/x":""}})",
          R"({"PortBindings":{"80/tcp":[{"HostPort":"22"}]}})",
          R"({"PortBindings":{"80/tcp":[{"HostPort":"1024-2048"}]}})",
          R"({"Memory":1.5})",
          R"({"NewInTheNextVersion":1})",
      }) {
    INFO(text);
    CHECK(created(json::parse(text)).is_null());
  }
}

TEST_CASE("the container's own configuration cannot carry what the HostConfig may not", "[socket_proxy]") {
  const auto body = [](const char* text) {
    auto value = json::parse(text);
    value["Image"] = "busybox";
    return decided("POST", "/containers/create", value.dump());
  };
  for (const auto* text : {
           R"({"hostconfig":{"Privileged":true}})",
           R"({"HostConfig":[]})",
           "{\"Ho\xC5\xBFtConfig\":{\"Privileged\":true}}",  // Go folds the long s
           R"({"Env":["HOME"]})",
           R"({"Env":["*"]})",
           R"({"Volumes":{"/:/host":{}}})",
           R"({"Labels":{"jailed.session":"x"}})",
           R"({"Labels":{"io.containers.autoupdate":"registry"}})",
           R"({"NetworkingConfig":{"EndpointsConfig":{"host":{}}}})",
           R"({"NetworkingConfig":{"EndpointsConfig":{"my-net":{"DriverOpts":{"a":"b"}}}}})",
           R"({"UnsetEnvAll":true})",
           R"({"Name":"x"})",
       }) {
    INFO(text);
    CHECK(status_of(body(text)) == 403);
  }
  CHECK(status_of(decided("POST", "/containers/create", R"({"Image":"dir:/etc"})")) == 403);
  CHECK(status_of(decided("POST", "/containers/create", R"({})")) == 403);
}

TEST_CASE("bodies that parsers read differently are refused", "[socket_proxy]") {
  for (const auto& text : {
           std::string(R"({"Image":"x","HostConfig":{"Privileged":true,"Privileged":false}})"),
           std::string(R"({"Image":"x","HostConfig":{"Privileged":true},"HostConfig":{}})"),
           std::string(R"({"Image":"x"}{"HostConfig":{"Privileged":true}})"),
           std::string(R"([{"Image":"x"}])"),
           std::string("{\"Image\":\"\xFF\"}"),
           std::string("\xEF\xBB\xBF{"),
           "{\"Image\":\"x\",\"Cmd\":" + std::string(100, '[') + std::string(100, ']') + "}",
       }) {
    INFO(text);
    CHECK(status_of(decided("POST", "/containers/create", text)) == 400);
  }
}

TEST_CASE("paths that can be read in two ways are refused", "[socket_proxy]") {
  for (const auto* target :
       {"", "_ping", "http://x/_ping", "*", "//_ping", "/containers//json", "/containers/../images/json",
        "/containers/%2e%2e/x", "/containers/mine%2F..%2Fother/json", "/containers/mine%00/json",
        "/containers/mine%252Fx/json", "/v1.23/containers/mine/start", "/v1.41", "/_ping#x",
        "/_ping%0d%0aX:y", "/containers/json?all=1&all=0", "/containers/mine/json;x"}) {
    INFO(target);
    CHECK(status_of(decided("GET", target)) >= 400);
  }
}

TEST_CASE("references reach the engine as whole ids", "[socket_proxy]") {
  CHECK(sent(decided("GET", "/containers/mine/json")) == "/containers/" + kOwnContainer + "/json");
  CHECK(sent(decided("GET", "/containers/aaaa/json")) == "/containers/" + kOwnContainer + "/json");
  CHECK(sent(decided("DELETE", "/networks/my-net")) == "/networks/" + kOwnNetwork);
  CHECK(created({{"NetworkMode", "my-net"}})["HostConfig"]["NetworkMode"] == kOwnNetwork);
  CHECK(created({{"NetworkMode", "container:mine"}})["HostConfig"]["NetworkMode"] ==
        "container:" + kOwnContainer);
  CHECK(created({{"VolumesFrom", {"mine:ro"}}})["HostConfig"]["VolumesFrom"] ==
        json({kOwnContainer + ":ro"}));
}

TEST_CASE("a name of the jail's cannot stand for another's id", "[socket_proxy]") {
  Owned things = owned();
  things.add_container(std::string(64, 'd'), kForeign);
  const auto decision = decide({"DELETE", "/containers/" + kForeign, ""}, kPolicy, things);
  CHECK(sent(decision) == "/containers/" + std::string(64, 'd'));
}

TEST_CASE("a prune takes what carries the jail's label", "[socket_proxy]") {
  for (const std::string kind : {"containers", "networks", "volumes"}) {
    CHECK(sent(decided("POST", "/" + kind + "/prune?filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D")) ==
          "/" + kind +
              "/prune?filters=%7B%22label%22%3A%5B%22jailed.sibling%3D5e551011%22%2C%22a%3Db%22%5D%7D");
    CHECK(status_of(decided("POST", "/" + kind + "/prune?filters=x")) == 400);
  }
  CHECK(std::get<Forward>(decided("POST", "/images/prune")).reply == Reply::no_images);
}

TEST_CASE("what is pulled is the one image that was looked for", "[socket_proxy]") {
  const auto pulled = [](const std::string& query) {
    const auto decision = decided("POST", "/images/create?" + query);
    const auto* forward = std::get_if<Forward>(&decision);
    return forward == nullptr ? std::string("refused") : forward->subject + " by " + forward->target.substr(15);
  };
  // Docker pulls all tags of a repository where none is named.
  CHECK(pulled("fromImage=team/app") == "team/app:latest by fromImage=team%2Fapp&tag=latest");
  CHECK(pulled("fromImage=registry:5000/app&tag=") == "registry:5000/app:latest by fromImage=registry%3A5000%2Fapp&tag=latest");
  CHECK(pulled("fromImage=app:") == "refused");
  CHECK(pulled("fromImage=app:&tag=1") == "refused");
  CHECK(pulled("fromImage=app:1") == "app:1 by fromImage=app%3A1");
  CHECK(pulled("fromImage=app&tag=1") == "app:1 by fromImage=app&tag=1");
  const auto digest = "sha256:" + std::string(64, '0');
  CHECK(pulled("fromImage=app&tag=" + digest) == "app@" + digest + " by fromImage=app&tag=sha256%3A" + std::string(64, '0'));
  CHECK(pulled("fromImage=app@" + digest) == "app@" + digest + " by fromImage=app%40sha256%3A" + std::string(64, '0'));
  // Of these it would take the second one, while app:1:2 was looked for.
  CHECK(pulled("fromImage=app:1&tag=2") == "refused");
  CHECK(pulled("fromImage=app@" + digest + "&tag=2") == "refused");
}

TEST_CASE("events are the jail's own", "[socket_proxy]") {
  CHECK(sent(decided("GET", "/events")) ==
        "/events?filters=%7B%22label%22%3A%5B%22jailed.sibling%3D5e551011%22%5D%7D");
  CHECK(status_of(decided("GET", "/events?filters=%7B%22label%22%3A%5B1%5D%7D")) == 400);
  // Podman tells of what has one of several labels, and reads {"label=a": ["b"]} as the label a=b.
  for (const auto* labels : {"%5B%22a%3Db%22%5D", "%7B%22a%3Db%22%3Atrue%7D"})
    CHECK(sent(decided("GET", fmt::format("/events?filters=%7B%22label%22%3A{}%7D", labels))) ==
          "/events?filters=%7B%22label%22%3A%5B%22jailed.sibling%3D5e551011%22%5D%7D");
  for (const auto* name : {"label%3Da", "Label", "label%20", ""})
    CHECK(status_of(decided("GET", fmt::format("/events?filters=%7B%22{}%22%3A%5B%22b%22%5D%7D", name))) == 400);
}

TEST_CASE("lists show what the jail made", "[socket_proxy]") {
  const auto list = json::array({{{"Id", kOwnContainer}}, {{"Id", kForeign}}, {{"Id", "aaaa"}}}).dump();
  CHECK(json::parse(*filter_reply(Reply::container_list, list, owned())) ==
        json::array({{{"Id", kOwnContainer}}}));
  const auto volumes = json{{"Volumes", {{{"Name", "my-volume"}}, {{"Name", "other"}}}}}.dump();
  CHECK(json::parse(*filter_reply(Reply::volume_list, volumes, owned()))["Volumes"].size() == 1);
  CHECK(json::parse(*filter_reply(Reply::info, R"({"Name":"host","NCPU":2})", owned())) == json{{"NCPU", 2}});
  CHECK_FALSE(filter_reply(Reply::container_list, "{}", owned()));
}

TEST_CASE("networks and volumes have no options of the host", "[socket_proxy]") {
  for (const auto* text :
       {R"({"Name":"host"})", R"({"Name":"n","Driver":"macvlan"})", R"({"Name":"n","Driver":"host"})",
        R"({"Name":"n","Options":{"parent":"eth0"}})", R"({"Name":"n","ConfigOnly":true})",
        R"({"Name":"n","IPAM":{"Config":[{"Subnet":"192.0.2.0/24"}]}})", R"({"Name":"n","Scope":"swarm"})",
        R"({"Name":"n","Labels":{"jailed.sibling":"other"}})", R"({})"}) {
    INFO(text);
    CHECK(status_of(decided("POST", "/networks/create", text)) == 403);
  }
  for (const auto* text :
       {R"({"Name":"v","DriverOpts":{"type":"none","o":"bind","device":"/"}})",
        R"({"Name":"v","Driver":"nfs"})", R"({"Name":"../v"})", R"({"ClusterVolumeSpec":{}})"}) {
    INFO(text);
    CHECK(status_of(decided("POST", "/volumes/create", text)) == 403);
  }
}

TEST_CASE("an exec has no privileges of its own", "[socket_proxy]") {
  for (const auto* text : {R"({"Cmd":["id"],"Privileged":true})", R"({"Cmd":["id"],"privileged":true})",
                           R"({"Cmd":["id"],"Env":["HOME"]})"}) {
    CHECK(status_of(decided("POST", "/containers/mine/exec", text)) == 403);
  }
}
