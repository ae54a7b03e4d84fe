#pragma once
#include <cstdint>
#include <jailed/core/environment.hpp>
#include <jailed/core/settings.hpp>
#include <string>
#include <string_view>

namespace jailed::plan {

/// Flag beats variable beats default; an empty variable counts as unset.
/// Throws UsageError, naming the flag or the variable, for a value that cannot be meant.
core::Settings resolve_settings(const core::Options& options, const core::Environment& environment);

/// "512m", "18g", "1.5GiB", "1073741824" -> bytes. Units are powers of 1024, as docker's. Throws UsageError
/// naming `set_by`.
std::uint64_t parse_size(std::string_view text, std::string_view set_by);

/// Whether `text` is an image reference as docker and podman read it: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
bool is_image_reference(std::string_view text);

/// Whether `text` can be the name of the jail's user: [a-z_][a-z0-9_-]{0,31}, and not root.
bool is_user_name(std::string_view text);

/// Whether `text` can name an OCI runtime: a name as engines' configurations have them, or an absolute path, which podman
/// takes. Whether there is one, only the engine knows.
bool is_oci_runtime(std::string_view text);

/// Whether this OCI runtime is known to start processes of the host's kernel. Of others jailed expects less: a FIFO of the
/// host's cannot be mounted in gVisor (runsc), and a virtual machine has its own, so another net than the lease holds; and
/// files are made by a helper that is root and gives them away, which an idmapped mount has to allow for.
bool on_host_kernel(const std::optional<core::Named>& sandbox);

}  // namespace jailed::plan
