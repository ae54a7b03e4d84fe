#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <jailed/core/error.hpp>
#include <jailed/core/siphash.hpp>
#include <jailed/core/text.hpp>
#include <jailed/host/files/atomic_file.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/process.hpp>
#include <jailed/host/files/directories.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/work/sync/program.hpp>

namespace jailed::work {
namespace {

constexpr auto kReinstall = "install it anew (scripts/mutagen does), or do without it: jailed --sync bind";

// As Go spells it, and so the bundle.
std::string architecture() {
  struct utsname machine {};
  ::uname(&machine);
  const std::string name = machine.machine;
  if (name == "x86_64") return "amd64";
  if (name == "aarch64" || name == "arm64") return "arm64";
  return name;
}

// Beside the program, or where its packages put it.
std::string find_bundle(const std::string& program) {
  std::string reason;
  const auto real = host::canonical(program, reason);
  const auto directory = real.substr(0, real.rfind('/'));
  for (const char* place : {"", "/../libexec"}) {
    auto bundle = directory + place + "/mutagen-agents.tar.gz";
    if (host::lstat_of(bundle)) return bundle;
  }
  return {};
}

constexpr const char* kDockerPath = "MUTAGEN_DOCKER_PATH";
constexpr const char* kData = "MUTAGEN_DATA_DIRECTORY";

// Makes the directory in which podman is called docker, and the one of Mutagen's daemon.
void make_places_for_podman(const MutagenProgram& program) {
  const auto place = [&](std::string_view name) {
    const auto& env = program.mutagen.env;
    return std::find_if(env.begin(), env.end(), [&](const auto& one) { return one.name == name; })->value;
  };
  host::make_private_directories(place(kData));
  const auto directory = place(kDockerPath);
  const auto link = directory + "/docker";
  std::error_code none;
  if (std::filesystem::read_symlink(link, none) == program.podman) return;
  host::make_private_directories(directory);
  host::AtomicFile fresh(link);
  if (::symlink(program.podman.c_str(), fresh.beside().c_str()) != 0)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(link), std::strerror(errno)));
  fresh.put();
}

}  // namespace

std::optional<MutagenProgram> find_mutagen(const plan::Engine& engine, const core::Environment& environment) {
  const auto program = host::find_program("mutagen", environment);
  if (!program) return std::nullopt;
  MutagenProgram found{.mutagen = {*program, {}}, .version = {}, .podman = {}, .bundle = {}, .architecture = {}, .agents = {}};
  const auto answer = host::capture(plan::mutagen_version_command(found.mutagen));
  found.version = answer.out.substr(0, answer.out.find_first_of("\r\n"));
  if (!answer.status.ok() || !core::is_version(found.version) || std::isdigit(static_cast<unsigned char>(found.version.front())) == 0)
    throw core::Error(fmt::format("{} does not say its version.", core::printable(*program)), kReinstall);
  found.bundle = find_bundle(*program);
  if (found.bundle.empty())
    throw core::Error(fmt::format("There is no mutagen-agents.tar.gz beside {}.", core::printable(*program)),
                      kReinstall);
  if (!plan::traits_of(engine).mutagens_own) {
    found.podman = host::find_program(engine.program, environment).value_or(engine.program);
    // A daemon talks to the podman that its environment names.
    const auto other = engine.reach == plan::kHere ? std::string{} : fmt::format("-{:016x}", core::siphash({}, engine.endpoint));
    found.mutagen.env = {{kDockerPath, host::cache_directory(environment) + "/mutagen/podman"},
                         {kData, host::state_directory(environment) + "/mutagen-podman" + other}};
  }
  found.architecture = engine.machine ? engine.machine->architecture : architecture();
  found.agents = fmt::format("{}/mutagen/{}-{}", host::cache_directory(environment), found.version, found.architecture);
  return found;
}

void prepare_mutagen(const MutagenProgram& program) {
  if (!program.podman.empty()) make_places_for_podman(program);
  const auto directory = program.agents + "/" + program.version;
  const auto agent = directory + "/mutagen-agent";
  if (host::is_executable_file(agent)) return;
  host::make_private_directories(directory);
  // The jail's user goes through the last two, which is another one when root calls.
  ::chmod(program.agents.c_str(), 0755);
  ::chmod(directory.c_str(), 0755);
  host::AtomicFile fresh(agent);
  const auto unpacked = host::capture_to_file(
      {"/bin/tar", {"-xzOf", program.bundle, "linux_" + program.architecture}, {}}, fresh.beside(), 0755);
  if (!unpacked.status.ok())
    throw core::Error(
        fmt::format("There is no agent for linux_{} in {}.", program.architecture, core::printable(program.bundle)),
        kReinstall);
  if (::chmod(fresh.beside().c_str(), 0755) != 0)
    throw core::Error(fmt::format("Cannot write {}: {}.", core::printable(agent), std::strerror(errno)));
  fresh.put();
}

}  // namespace jailed::work
