#include <algorithm>
#include <jailed/core/agent.hpp>

namespace jailed::core {

std::span<const Agent> agents() {
  // Directories, never single files: Claude and Codex write by rename, which a file mount refuses.
  static const std::vector<Agent> table = {
      {.name = "claude",
       .title = "Claude Code",
       .package = "@anthropic-ai/claude-code",
       .state = {{"claude", ".claude"}},
       .home_variables = {{"CLAUDE_CONFIG_DIR", ".claude"}},
       .logins = {"claude/.credentials.json"},
       .keys = {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"}},
      {.name = "opencode",
       .title = "OpenCode",
       .package = "opencode-ai",
       .state = {{"opencode", ".config/opencode"},
                 {"opencode-data", ".local/share/opencode"},
                 {"opencode-state", ".local/state/opencode"}},
       .home_variables = {},
       .logins = {"opencode-data/auth.json"},
       .keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY",
                "OPENROUTER_API_KEY", "GROQ_API_KEY", "DEEPSEEK_API_KEY", "MISTRAL_API_KEY", "XAI_API_KEY"}},
      {.name = "aider",
       .title = "Aider",
       .package = "aider-chat",
       .state = {{"aider", ".aider"}},
       .home_variables = {},
       .logins = {"aider/oauth-keys.env"},
       .keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY",
                "DEEPSEEK_API_KEY", "MISTRAL_API_KEY", "XAI_API_KEY", "AIDER_*"}},
      {.name = "kimi",
       .title = "Kimi Code",
       .package = "@moonshot-ai/kimi-code",
       .state = {{"kimi", ".kimi-code"}},
       .home_variables = {{"KIMI_CODE_HOME", ".kimi-code"}},
       .logins = {},
       .keys = {"KIMI_MODEL_NAME", "KIMI_MODEL_API_KEY"}},
      {.name = "gemini",
       .title = "Gemini CLI",
       .package = "@google/gemini-cli",
       .state = {{"gemini", ".gemini"}},
       .home_variables = {},
       .logins = {"gemini/oauth_creds.json", "gemini/google_accounts.json"},
       .keys = {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT",
                "GOOGLE_CLOUD_LOCATION"}},
      {.name = "codex",
       .title = "Codex",
       .package = "@openai/codex",
       .state = {{"codex", ".codex"}},
       .home_variables = {{"CODEX_HOME", ".codex"}},
       .logins = {"codex/auth.json"},
       .keys = {"CODEX_API_KEY", "OPENAI_API_KEY"}},
      {.name = "copilot",
       .title = "GitHub Copilot",
       .package = "@github/copilot",
       .state = {{"copilot", ".copilot"}, {"gh", ".config/gh"}},
       .home_variables = {{"COPILOT_HOME", ".copilot"}, {"COPILOT_CACHE_HOME", ".cache/copilot"}},
       .logins = {"gh/hosts.yml"},
       .keys = {"COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"}},
  };
  return table;
}

const Agent* find_agent(std::string_view name) {
  const auto all = agents();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Agent& agent) { return agent.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::span<const std::string_view> toolchains() {
  static constexpr std::string_view names[] = {"rust", "node", "python", "go"};
  return names;
}

std::span<const HomeVariable> cache_variables() {
  static constexpr HomeVariable variables[] = {
      {"CARGO_HOME", ".cache/cargo"},      {"GOPATH", ".cache/go"},
      {"GOMODCACHE", ".cache/go/pkg/mod"}, {"GOCACHE", ".cache/go-build"},
      {"npm_config_cache", ".cache/npm"},  {"PIP_CACHE_DIR", ".cache/pip"},
      {"UV_CACHE_DIR", ".cache/uv"},
  };
  return variables;
}

}  // namespace jailed::core
