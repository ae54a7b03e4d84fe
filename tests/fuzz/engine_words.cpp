// What an engine's client says: every byte comes through once and in order, and what becomes of it in jailed's messages is safe to print.
#include <jailed/core/command.hpp>
#include <jailed/engine/words/error_output.hpp>
#include <jailed/plan/engine/failure.hpp>
#include <jailed/plan/engine/foreign_image.hpp>
#include <jailed/plan/jail/isolated_network.hpp>

#include "fuzz.hpp"

using namespace jailed;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 16 + 1;  // how many bytes come at once
  const auto text = fuzz::text_of(data + 1, size - 1);
  engine::ErrorOutput output;
  std::string shown;
  for (std::size_t at = 0; at < text.size(); at += step) shown += output.feed(text.substr(at, step));
  MUST(shown + output.held() == text);
  for (const auto kind : {plan::EngineKind::docker, plan::EngineKind::podman}) {
    const plan::Engine engine{kind, "engine", false};
    std::vector<std::string> messages;
    if (const auto failure = plan::recognise_failure(engine, text, "jailed:latest")) messages = {failure->message, failure->next_step};
    if (const auto failure = plan::recognise_sandbox_failure(engine, text, core::Named{std::string(text), "--sandbox"}))
      messages.insert(messages.end(), {failure->message, failure->next_step});
    for (const auto& message : messages)
      MUST(fuzz::every_byte(message, [](auto c) { return c >= 0x20 || c == '\n'; }));
    (void)plan::lacks_isolated_network(engine, text);
  }
  (void)plan::is_foreign(text);
  MUST(fuzz::every_byte(core::printable(text), [](auto c) { return c >= 0x20 && c != 0x7F; }));
  return 0;
}
