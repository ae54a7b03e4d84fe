#pragma once
#include <jailed/core/environment.hpp>
#include <jailed/core/invocation.hpp>
#include <jailed/core/settings.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace jailed::plan {

/// Values of one origin.
struct Layer {
  enum class Origin { command_line, environment, project } origin;
  std::vector<core::Given> given;
};

/// The variables that are set; an empty one counts as unset.
Layer variables_layer(const core::Environment& environment);

/// A setting's values are those of the first layer that has any, then its default; Settings::given says who set it.
/// `environment` is asked for where the configuration is by default. Throws UsageError, naming who set it, for a value
/// that cannot be meant, and for one of a project's file that such a file may not set.
core::Settings resolve_settings(std::span<const Layer> layers, const core::Environment& environment);

/// Flag beats variable beats default.
core::Settings resolve_settings(const core::Invocation& invocation, const core::Environment& environment);

/// The flags that decide what jailed says, and where: they count before anything is checked that it may have to say.
core::Settings talk_settings(const core::Invocation& invocation);

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
