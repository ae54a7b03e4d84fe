#include <algorithm>
#include <jailed/cli/complete.hpp>
#include <jailed/cli/verbs.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/text.hpp>
#include <jailed/plan/settings/table.hpp>

namespace jailed::cli {
namespace {

using core::Verb;
using Also = Completion::Also;
using Strings = std::vector<std::string>;

// The row that the words begin with, and how many of them are its name.
struct RowOf {
  const VerbRow* row = nullptr;
  std::size_t words = 0;
};

RowOf row_by(const Strings& before) {
  if (before.empty()) return {&row_of(Verb::launch), 0};
  if (core::find_agent(before.front()) != nullptr) return {&row_of(Verb::agent), 1};
  const VerbRow* first = nullptr;
  for (const auto& row : verbs_table()) {
    if (row.name.empty() || row.first_word() != before.front()) continue;
    if (!row.second_word().empty() && before.size() > 1 && row.second_word() == before[1]) return {&row, 2};
    if (first == nullptr) first = &row;
  }
  if (first != nullptr) return {first, 1};
  return {&row_of(Verb::launch), 0};
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void add_verbs(Completion& found) {
  for (const auto& agent : core::agents()) found.words.push_back({std::string(agent.name), std::string(agent.title) + " in a jail"});
  for (const auto& row : verbs_table()) {
    const bool shown = !row.summary.empty() && row.verb != Verb::agent;
    const std::string word(row.first_word());
    if (shown && (found.words.empty() || found.words.back().text != word)) found.words.push_back({word, std::string(row.summary)});
  }
}

void add_flags(Completion& found, const VerbRow& row) {
  for (const auto& setting : plan::settings_table()) {
    if (setting.verbs.has(row.verb)) found.words.push_back({"--" + std::string(setting.name), one_line(plan::help_of(setting))});
  }
  found.words.push_back({"--help", "Print this help"});
}

const plan::Setting* flag_named(const VerbRow& row, std::string_view word) {
  for (const auto& setting : plan::settings_table()) {
    const bool is_it = word == "--" + std::string(setting.name) || (setting.letter != '\0' && word == std::string{'-', setting.letter});
    if (setting.verbs.has(row.verb) && is_it) return &setting;
  }
  return nullptr;
}

bool takes_next_word(const plan::Setting* setting) {
  return setting != nullptr && (setting->takes == plan::Takes::value || setting->takes == plan::Takes::values);
}

Completion values_of(const plan::Setting& setting, const std::string& before = {}) {
  Completion found;
  for (const auto word : core::words(setting.choices, " ")) found.words.push_back({before + std::string(word), {}});
  if (setting.placeholder == "FILE") found.also = Also::files;
  if (setting.placeholder == "DIR") found.also = Also::directories;
  return found;
}

// How many of the words are no flags, nor values of flags.
std::size_t plain_words(const VerbRow& row, const Strings& words, std::size_t from) {
  std::size_t count = 0;
  for (auto i = from; i < words.size(); ++i) {
    if (!words[i].starts_with("-")) {
      ++count;
    } else if (takes_next_word(flag_named(row, words[i]))) {
      ++i;
    }
  }
  return count;
}

Completion word_of_row(const VerbRow& row, std::size_t number) {
  if (row.words.empty()) return {};
  const auto& word = row.words[std::min(number, row.words.size() - 1)];
  if (number >= row.words.size() && !row.words.back().many) return {};
  Completion found;
  for (const auto choice : word.choices) found.words.push_back({std::string(choice), {}});
  if (word.name == "JAIL") found.also = Also::jails;
  if (word.name == "PATH" || word.name == "MORE") found.also = Also::directories;
  if (word.name == "AGENT") {
    for (const auto& agent : core::agents()) found.words.push_back({std::string(agent.name), std::string(agent.title)});
  }
  return found;
}

}  // namespace

Completion complete(const Strings& words) {
  const std::string current = words.empty() ? std::string() : words.back();
  const Strings before(words.begin(), words.empty() ? words.begin() : words.end() - 1);
  if (std::find(before.begin(), before.end(), "--") != before.end()) return {.also = Also::files};

  const auto [row, own] = row_by(before);
  const auto* waiting = before.empty() ? nullptr : flag_named(*row, before.back());
  if (takes_next_word(waiting)) return values_of(*waiting);
  if (const auto equals = current.find('='); current.starts_with("--") && equals != std::string::npos) {
    const auto* setting = flag_named(*row, current.substr(0, equals));
    return setting == nullptr ? Completion{} : values_of(*setting, current.substr(0, equals + 1));
  }
  Completion found;
  if (current.starts_with("-")) {
    add_flags(found, *row);
    return found;
  }
  if (before.empty()) {
    add_verbs(found);
    found.also = Also::directories;
    return found;
  }
  if (own == 1 && before.size() == 1 && !row->second_word().empty()) {
    for (const auto& other : verbs_table()) {
      if (other.first_word() == row->first_word()) found.words.push_back({std::string(other.second_word()), std::string(other.summary)});
    }
    return found;
  }
  if (row->verb == Verb::help) {
    add_verbs(found);
    return found;
  }
  return word_of_row(*row, plain_words(*row, before, own));
}

}  // namespace jailed::cli
