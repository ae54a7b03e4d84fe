#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <jailed/cli/talk.hpp>
#include <jailed/core/error.hpp>
#include <memory>

namespace jailed::cli {

void set_up_talk(const TalkOptions& options, const core::Environment& environment) {
  const auto color = environment.get("NO_COLOR") ? spdlog::color_mode::never : spdlog::color_mode::automatic;
  auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_st>(color);
  terminal->set_pattern("%^[jailed]%$ %v");
  terminal->set_level(options.verbose ? spdlog::level::debug
                      : options.quiet ? spdlog::level::err
                                      : spdlog::level::info);
  auto logger = std::make_shared<spdlog::logger>("jailed", terminal);
  if (options.log_file) {
    try {
      auto file = std::make_shared<spdlog::sinks::basic_file_sink_st>(*options.log_file);
      file->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
      logger->sinks().push_back(file);
    } catch (const spdlog::spdlog_ex& error) {
      throw core::UsageError(std::string("--log-file: ") + error.what());
    }
  }
  logger->set_level(spdlog::level::debug);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(logger);
}

}  // namespace jailed::cli
