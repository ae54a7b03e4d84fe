#pragma once
#include <jailed/plan/engine/choose.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::plan {

struct Endpoint;
struct EndpointFacts;
struct Failure;
struct Identity;
struct JailClaims;
struct TmpfsMount;

/// Words of a command line, or others in a row.
using Words = std::span<const char* const>;

/// In which package an engine comes.
struct Packages {
  std::string_view debian, fedora, homebrew;
};

/// How `run` and `exec` are told what a jail needs.
struct RunTraits {
  bool runtime_before_run;       // --runtime is an option of the engine's and not of its run's
  std::string_view log_driver;   // keeps what a container says in a file, of at most max-size bytes
  std::string_view again;        // of a volume's second mount: it gives the volume neither mode nor content; empty: no such word
  std::string_view detach_keys;  // the whole option that leaves every key to the jail; empty: it takes none
  std::string_view no_proxies;   // keeps the caller's proxies out, with the passwords in them: those that may come along do so by name
  bool names_every_limit;        // it drops its own limits of processes as soon as one is named
  bool relabels_mounts;          // --mount can relabel for SELinux; else --volume alone does
  bool profile_from_image;       // on another machine: it takes the filter of system calls from the image
  std::string (*tmpfs_options)(const TmpfsMount& mount, Identity identity);  // what follows size and mode
};

/// The network on which no other container reaches a jail.
struct IsolationTraits {
  const char* network;         // for --network; each rootless container is alone anyway
  std::string_view not_found;  // beside its name, in an error that says that it is not there
  Words make;                  // makes it, once; empty: each jail has its own
  Words look;                  // ends with 0 and says what begins with `found` where it can be had
  std::string_view found;
};

/// The engine's socket in a jail (--testcontainers).
struct SocketTraits {
  std::vector<std::string> (*places)(const Engine& engine, const EndpointFacts& facts);
  std::string_view (*how_to_start)(const Engine& engine);
  const char* host;      // the name under which a jail finds the ports of the host
  const char* add_host;  // what gives it that name; empty: the engine does
  bool privileged_ryuk;  // Testcontainers' reaper needs privileges where the caller is root
};

/// What is asked of an engine in its own way, and how its answers are read.
struct AnswerTraits {
  const char* jails_format;  // of `ps`
  JailClaims (*jails)(std::string_view answer);
  const char* version_format;  // of `info`: its server's version
  const char* machine_format;  // of `info`, see parse_machine
  std::vector<std::string> (*memory_events)(const std::string& container);  // that the kernel killed for memory; null: it forgets
  const char* annotations_format;  // of `image inspect`, for an engine that gives a container the annotations of its image; null: it does not
};

/// What its client says when it cannot do what it was asked, and what to do then.
struct WordTraits {
  std::string_view service;         // what goes away: "Docker's daemon"
  std::optional<Failure> (*of_setup)(std::string_view said);  // in lower case; before everything else, may be null
  std::optional<Failure> (*of_service)(std::string_view said, std::string_view text);  // the same, and as it is; may be null
  std::string_view look_elsewhere;  // for an engine of another machine that is silent
  bool (*unknown_runtime)(std::string_view text);
  std::string_view known_runtimes;  // how to see and to add them
  Words lines;                      // how lines of its client begin
};

/// What one kind of engine is, in values and pure functions. Each kind is a folder beside this with its set, and a row of the table in
/// traits.cpp; nobody else asks of which kind an engine is.
struct Traits {
  std::string_view name;   // as --runtime, records and tables have it, and as its program is called
  std::string_view title;  // at the beginning of a sentence
  Packages packages;
  std::string_view stands_for;  // the kind that a program of this name may only hand on to; empty: none
  bool rootless;                // of a user that is not root it is rootless
  const char* quiet;            // a variable that is set to 1 where it is unset, so that it says less; null: none
  std::optional<Endpoint> (*endpoint)(const EndpointFacts& facts);
  void (*check_caller)(const EndpointFacts& facts);  // of check_caller_is_mapped; may be null
  bool mutagens_own;                                 // Mutagen calls it by its name; another one has to be called docker
  Words build;                                       // options of every build
  RunTraits run;
  IsolationTraits isolation;
  SocketTraits socket;
  AnswerTraits answers;
  WordTraits words;
};

/// The row of this engine.
const Traits& traits_of(const Engine& engine);

/// All rows, in their order.
std::vector<const Traits*> all_traits();

/// An engine of the kind with this name; nothing when there is no such kind.
std::optional<Engine> engine_named(std::string_view name, std::string program, bool caller_is_root);

}  // namespace jailed::plan
