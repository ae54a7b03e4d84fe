#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <ctime>
#include <iostream>
#include <jailed/commands/build/progress.hpp>
#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/host/files/directories.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/engine/failure.hpp>

namespace jailed::commands {
namespace {

constexpr std::string_view kPemMarker = "-----BEGIN CERTIFICATE-----";

std::string certificates(const std::optional<std::string>& file) {
  if (!file) return {};
  const auto content = host::read_file(*file);
  if (!content) throw core::UsageError(fmt::format("--ca-cert: cannot read {}.", core::printable(*file)));
  if (content->find(kPemMarker) == std::string::npos) {
    throw core::UsageError(fmt::format("--ca-cert: {} holds no certificate.", core::printable(*file)),
                           "PEM is what is wanted: -----BEGIN CERTIFICATE-----");
  }
  return *content;
}

void write_context(const std::string& directory, const plan::BuildRequest& request,
                   const std::string& ca_certificates) {
  for (const auto& file : plan::image_context()) {
    const std::string path(file.path);
    if (const auto slash = path.rfind('/'); slash != std::string::npos)
      host::make_private_directories(directory + "/" + path.substr(0, slash));
    const bool script = file.content.starts_with("#!");
    const auto content =
        path == "Dockerfile" ? plan::dockerfile_for(request, file.content) : std::string(file.content);
    host::write_new_file(directory + "/" + path, content, script ? 0755 : 0644);
  }
  host::write_new_file(directory + "/ca.crt", ca_certificates, 0644);
}

// One engine call, shown and logged. 0, or the exit code of a build that failed or was interrupted.
int run_build(const plan::Engine& engine, const plan::BuildRequest& request, const plan::BuildCall& call,
              const core::Environment& environment, BuildProgress& progress) {
  spdlog::debug("{}", core::shell_line(plan::build_command(engine, request, call, environment)));
  progress.begin();
  const auto result = engine::build_image(
      engine, request, call, environment, [&](std::string_view line) { progress.line(line); }, [&] { progress.tick(); });
  progress.clear_line();
  if (result.interrupted_by) {
    spdlog::error("Interrupted; no image was made. What is built already is kept for the next time.");
    return core::ExitStatus::signalled(*result.interrupted_by).shell_code();
  }
  if (result.status.ok()) return 0;
  std::string said;
  for (const auto& line : progress.last_lines()) said += line + "\n";
  if (const auto failure = plan::recognise_failure(engine, said, "")) {
    if (failure->kind != plan::Failure::Kind::image_missing)
      throw core::Error(failure->message, failure->next_step);
  }
  if (progress.at_base() && !progress.last_lines().empty()) {
    throw core::Error(fmt::format("The base image {} cannot be had: {}", request.base, progress.last_lines().back()),
                      fmt::format("see whether its name is right, and fetch or load it: {} pull {}", engine.program, request.base));
  }
  std::cerr << said;
  throw core::Error(fmt::format("The build failed after {}.", progress.elapsed()),
                    fmt::format("the whole log: {}", core::shell_quote(progress.log_path())));
}

// Of an update the first build is only for its cache, and has no name; it is the second one when all was up to date.
class FirstBuild {
 public:
  FirstBuild(const plan::Engine& engine, const std::string& scratch) : engine_(engine), first(scratch + "/first"), second(scratch + "/second") {}
  FirstBuild(const FirstBuild&) = delete;
  FirstBuild& operator=(const FirstBuild&) = delete;
  ~FirstBuild() {
    const auto id = host::read_file(first);
    if (id && !id->empty() && id != host::read_file(second)) engine::remove_build(engine_, *id);
  }

 private:
  const plan::Engine& engine_;

 public:
  const std::string first, second;  // files with the images' ids
};

void report_updates(const std::vector<plan::VersionChange>& versions) {
  bool changed = false;
  for (const auto& version : versions) {
    if (version.locked == version.installed) continue;
    changed = true;
    spdlog::info("{}: {} -> {}", version.agent, core::printable(version.locked),
                 core::printable(version.installed));
  }
  if (!changed) spdlog::info("Every agent is at its newest version already.");
}

}  // namespace

int build(const core::Invocation&, const core::Settings& settings, const core::Environment& environment) {
  const auto engine = engine::use_engine(settings, environment);
  const auto request = plan::resolve_build(settings);
  const auto ca_certificates = certificates(request.ca_cert);
  const auto cache = host::cache_directory(environment);
  plan::BuildCall call{.context_dir = cache + "/build",
                       .tag = true,
                       .versions = plan::locked_versions(plan::image_context()),
                       .update_token = {}};
  if (settings.dry_run) {
    std::cout << core::shell_line(plan::build_command(engine, request, call, environment)) << "\n";
    return 0;
  }
  const host::TemporaryDirectory scratch(cache, "build-");
  const auto context = scratch.path() + "/context";
  host::make_private_directories(context);
  // The engine keeps modes in its cache's key: a context must look the same each time.
  ::chmod(context.c_str(), 0755);
  write_context(context, request, ca_certificates);
  call.context_dir = context;
  BuildProgress progress(fmt::format("{}/build.log", cache), host::is_terminal(2), settings.quiet);
  spdlog::info("Building {} with {}; the engine's log: {}", request.image, engine.program,
               core::printable(progress.log_path()));
  const FirstBuild ids(engine, scratch.path());
  if (request.update) {
    // The versions are known when they are installed; a second build, all from the cache, writes them on the
    // image.
    call.update_token = std::to_string(std::time(nullptr));
    call.tag = false;
    call.id_file = ids.first;
    if (const int failed = run_build(engine, request, call, environment, progress); failed != 0) return failed;
    for (const auto& version : progress.versions()) call.versions[version.agent] = version.installed;
    report_updates(progress.versions());
    call.tag = true;
    call.id_file = ids.second;
  }
  auto final_request = request;
  final_request.no_cache = request.no_cache && !request.update;
  if (const int failed = run_build(engine, final_request, call, environment, progress); failed != 0) return failed;
  spdlog::info("Built {} in {}. Now: cd YOUR-PROJECT && jailed .", request.image, progress.elapsed());
  return 0;
}

}  // namespace jailed::commands
