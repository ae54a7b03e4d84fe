#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <jailed/cli/nearest.hpp>
#include <jailed/cli/parse.hpp>
#include <jailed/cli/verbs.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/settings/table.hpp>
#include <memory>

namespace jailed::cli {
namespace {

using core::Verb;
using Words = std::vector<std::string>;

constexpr const char* kExitStatuses =
    "Every option, its variable and its default: docs/settings.md. Exit status: the command's own; 2 wrong usage;\n"
    "125 jailed or the engine failed, or work is not home yet; 126 not runnable; 127 not found; 128+n ended by signal n.";

// Where CLI11 puts what it finds for an option or a word; its addresses are kept.
struct Slot {
  const plan::Setting* setting = nullptr;
  CLI::Option* option = nullptr;
  std::optional<std::string> value = {};
  Words values = {};
  bool flag = false;
};

// A verb's app and the places that it parses into.
struct Parser {
  const VerbRow& row;
  std::deque<Slot> settings;
  std::deque<Slot> words;
  bool wants_version = false;
  std::unique_ptr<CLI::App> app;
};

// `headline`: under which it stands in the help.
void add_setting(CLI::App& app, Slot& slot, std::string_view headline) {
  const auto& setting = *slot.setting;
  const auto names = plan::flag_names(setting);
  const auto help = plan::help_line(setting);
  switch (setting.takes) {
    case plan::Takes::nothing:
      slot.option = app.add_flag(names, slot.flag, help);
      break;
    case plan::Takes::value_or_nothing:
      slot.option = app.add_flag(names, slot.value, help);
      break;
    case plan::Takes::value:
      slot.option = app.add_option(names, slot.value, help);
      break;
    case plan::Takes::values:
      slot.option = app.add_option(names, slot.values, help)->allow_extra_args(false);
      break;
  }
  if (setting.takes == plan::Takes::value || setting.takes == plan::Takes::values)
    slot.option->type_name(std::string(setting.placeholder));
  if (!headline.empty()) slot.option->group(std::string(headline));
}

void add_word(CLI::App& app, const Word& word, Slot& slot) {
  const std::string name(word.name), help(word.help);
  slot.option = word.many ? app.add_option(name, slot.values, help) : app.add_option(name, slot.value, help);
  slot.option->type_name("");
  if (!word.choices.empty()) slot.option->required()->check(CLI::IsMember(Words(word.choices.begin(), word.choices.end())));
}

std::string name_of(const VerbRow& row) {
  return row.name.empty() ? std::string("jailed") : fmt::format("jailed {}", row.name);
}

std::string overview_of(const VerbRow& row) {
  constexpr std::string_view mark = "{agents}";
  std::string text(row.help);
  const auto at = text.find(mark);
  if (at == std::string::npos) return text;
  std::vector<std::string_view> names;
  for (const auto& agent : core::agents()) names.push_back(agent.name);
  return text.replace(at, mark.size(), fmt::format("{}", fmt::join(names, " ")));
}

std::string list_of_commands() {
  std::string list = "Commands:\n";
  for (const auto& row : verbs_table()) {
    if (!row.summary.empty())
      list += fmt::format("  {:<26}{}\n", fmt::format("{}{}{}", row.name, row.usage.empty() ? "" : " ", row.usage), row.summary);
  }
  return list + "\n" + kExitStatuses;
}

std::unique_ptr<Parser> parser_for(const VerbRow& row) {
  auto parser = std::make_unique<Parser>(Parser{row, {}, {}, false, std::make_unique<CLI::App>(overview_of(row), name_of(row))});
  auto& app = *parser->app;
  app.allow_extras();
  app.get_formatter()->column_width(28);
  app.get_formatter()->label("TEXT", "");
  app.set_help_flag("-h,--help", "Print this help");
  for (const auto& word : row.words) add_word(app, word, parser->words.emplace_back());
  for (const auto& setting : plan::settings_table()) {
    if (!setting.verbs.has(row.verb)) continue;
    // A page of flags wants headlines, a handful none.
    const bool page = row.verb == Verb::launch || row.verb == Verb::agent;
    add_setting(app, parser->settings.emplace_back(Slot{.setting = &setting}), page ? setting.group : "");
  }
  if (row.verb == Verb::launch) {
    app.add_flag("-V,--version", parser->wants_version, "Print jailed's version");
    app.footer(list_of_commands());
  }
  return parser;
}

Words option_names(const CLI::App& app) {
  Words names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

[[noreturn]] void refuse(const CLI::App& app, const Words& extras) {
  for (const auto& word : extras) {
    if (!word.starts_with('-')) continue;
    const auto name = word.substr(0, word.find('='));
    const auto meant = nearest(name, option_names(app));
    throw core::UsageError(
        fmt::format("Unknown option '{}'.", core::printable(name)),
        meant ? fmt::format("did you mean {}?", *meant) : fmt::format("see: {} --help", app.get_name()));
  }
  const bool launch = app.get_name() == "jailed";
  throw core::UsageError(fmt::format("One argument too many: '{}'.", core::printable(extras.front())),
                         launch ? "a command for the jail stands after --: jailed . -- COMMAND"
                                : fmt::format("see: {} --help", app.get_name()));
}

core::Invocation invocation_of(const Parser& parser) {
  core::Invocation invocation{.verb = parser.wants_version ? Verb::version : parser.row.verb};
  for (const auto& slot : parser.words) {
    if (slot.value) invocation.words.push_back(*slot.value);
    invocation.words.insert(invocation.words.end(), slot.values.begin(), slot.values.end());
  }
  for (const auto& slot : parser.settings) {
    if (slot.option->count() == 0) continue;
    auto values = slot.values;
    if (slot.setting->takes == plan::Takes::nothing) values = {slot.flag ? "true" : "false"};
    if (slot.value) values = {*slot.value};
    const std::string name(slot.setting->name);
    for (auto& value : values) invocation.given.push_back({name, std::move(value), "--" + name});
  }
  return invocation;
}

core::Invocation parse_words(Parser& parser, Words words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes its vector from the back
  try {
    parser.app->parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    core::Invocation help{.verb = Verb::help};
    if (!parser.row.name.empty()) help.words.emplace_back(parser.row.name);
    return help;
  } catch (const CLI::ParseError& error) {
    throw core::UsageError(core::printable(error.what()), fmt::format("see: {} --help", parser.app->get_name()));
  }
  if (const auto extras = parser.app->remaining(); !extras.empty()) refuse(*parser.app, extras);
  return invocation_of(parser);
}

// The first row whose first word this is; null when none is.
const VerbRow* row_named(std::string_view word) {
  if (core::find_agent(word) != nullptr) return &row_of(Verb::agent);
  const auto all = verbs_table();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& row) { return !word.empty() && row.first_word() == word; });
  return found == all.end() ? nullptr : &*found;
}

// The row that the words begin with, whose own words are taken off. The first of its rows is what a verb of two words
// means alone.
const VerbRow& take_verb(Words& words) {
  const auto* first = words.empty() ? nullptr : row_named(words.front());
  if (first == nullptr) return row_of(Verb::launch);
  words.erase(words.begin());
  if (first->second_word().empty() || words.empty() || words.front().starts_with("-")) return *first;
  std::vector<std::string_view> known;
  for (const auto& row : verbs_table()) {
    if (row.first_word() != first->first_word()) continue;
    if (row.second_word() == words.front()) {
      words.erase(words.begin());
      return row;
    }
    known.push_back(row.second_word());
  }
  throw core::UsageError(fmt::format("jailed {} cannot '{}'.", first->first_word(), core::printable(words.front())),
                         fmt::format("it knows: {}", fmt::join(known, ", ")));
}

core::Invocation help_invocation(const Words& words) {
  core::Invocation help{.verb = Verb::help};
  if (words.empty() || words.front() == "--help" || words.front() == "-h") return help;
  if (row_named(words.front()) == nullptr) {
    const auto meant = verb_meant(words.front());
    throw core::UsageError(fmt::format("No command '{}'.", core::printable(words.front())),
                           meant ? fmt::format("did you mean {}?", *meant) : "see: jailed help");
  }
  help.words = {words.front()};
  return help;
}

}  // namespace

std::optional<std::string> verb_meant(const std::string& word) {
  Words verbs;
  for (const auto& row : verbs_table()) {
    if (!row.summary.empty() && row.verb != Verb::agent) verbs.emplace_back(row.first_word());
  }
  for (const auto& agent : core::agents()) verbs.emplace_back(agent.name);
  return nearest(word, verbs);
}

std::string help_text(std::string_view word) {
  const auto all = verbs_table();
  const auto whole = std::find_if(all.begin(), all.end(), [&](const auto& one) { return !word.empty() && one.name == word; });
  const auto* row = whole == all.end() ? row_named(word) : &*whole;
  const bool own = row == nullptr || row->verb == Verb::help;
  auto text = parser_for(own ? row_of(Verb::launch) : *row)->app->help();
  for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) text.erase(at, 1);
  return text;
}

core::Invocation parse(std::vector<std::string> arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const bool has_command = dashes != arguments.end();
  Words command;
  if (has_command) command.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());

  const auto first = arguments.empty() ? std::string() : arguments.front();
  const auto& row = take_verb(arguments);
  if (row.verb == Verb::help) return help_invocation(arguments);
  if (has_command && !row.takes_command)
    throw core::UsageError("Only a jail takes a command after --.", "jailed [PATH] -- COMMAND");
  auto invocation = parse_words(*parser_for(row), std::move(arguments));
  invocation.command = std::move(command);
  if (row.verb == Verb::agent) invocation.agent = first;
  return invocation;
}

}  // namespace jailed::cli
