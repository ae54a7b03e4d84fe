#include <algorithm>
#include <jailed/core/agent.hpp>

namespace jailed::core {

// Not in the header: besides agents() only the test that adds an eighth has to do with it.
std::vector<Agent>& agent_table() {
  // Directories, never single files: Claude and Codex write by rename, which a file mount refuses.
  static std::vector<Agent> table = {
      {.name = "claude",
       .title = "Claude Code",
       .package = "@anthropic-ai/claude-code",
       .state = {{"claude", ".claude"}},
       .home_variables = {{"CLAUDE_CONFIG_DIR", ".claude"}},
       .start = {.no_questions = {"--dangerously-skip-permissions"}, .resume = {"--continue"}, .headless = {"--print"},
                 .headless_no_questions = {"--dangerously-skip-permissions"}},
       .log_in = "claude auth login",
       .logins = {{.path = "claude/.credentials.json", .renews_itself = true}},
       .keys = {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"},
       .hosts = {"api.anthropic.com", "mcp-proxy.anthropic.com", "platform.claude.com", "claude.ai"}},
      {.name = "opencode",
       .title = "OpenCode",
       .package = "opencode-ai",
       .state = {{"opencode", ".config/opencode"},
                 {"opencode-data", ".local/share/opencode"},
                 {"opencode-state", ".local/state/opencode"}},
       .home_variables = {},
       .start = {.no_questions = {"--auto"}, .resume = {"--continue"}, .headless = {"run"}, .headless_no_questions = {"--auto"}},
       .log_in = "opencode auth login",
       .logins = {{.path = "opencode-data/auth.json", .renews_itself = true}},
       .keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY",
                "OPENROUTER_API_KEY", "GROQ_API_KEY", "DEEPSEEK_API_KEY", "MISTRAL_API_KEY", "XAI_API_KEY"},
       .hosts = {"opencode.ai", "models.opencode.ai", "models.dev", "opncd.ai", "api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "openrouter.ai", "api.groq.com",
                 "api.deepseek.com", "api.mistral.ai", "api.x.ai"}},
      {.name = "aider",
       .title = "Aider",
       .package = "aider-chat",
       .state = {{"aider", ".aider"}},
       .home_variables = {},
       .start = {.no_questions = {"--yes-always"}, .resume = {"--restore-chat-history"}, .headless = {},
                 .headless_no_questions = {"--yes-always"}, .prompt_option = "--message="},
       .log_in = "aider",
       .logins = {{.path = "aider/oauth-keys.env"}},
       .keys = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY",
                "DEEPSEEK_API_KEY", "MISTRAL_API_KEY", "XAI_API_KEY", "AIDER_*"},
       .hosts = {"api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "openrouter.ai", "api.groq.com",
                 "api.deepseek.com", "api.mistral.ai", "api.x.ai"}},
      {.name = "kimi",
       .title = "Kimi Code",
       .package = "@moonshot-ai/kimi-code",
       .state = {{"kimi", ".kimi-code"}},
       .home_variables = {{"KIMI_CODE_HOME", ".kimi-code"}},
       // A prompt asks no questions; together with --auto it is refused (2.1.0).
       .start = {.no_questions = {"--auto"}, .resume = {"--continue"}, .headless = {}, .headless_no_questions = {},
                 .prompt_option = "--prompt="},
       .log_in = "kimi login",
       .logins = {{.path = "kimi/credentials/kimi-code.json", .renews_itself = true}},
       .keys = {"KIMI_MODEL_NAME", "KIMI_MODEL_API_KEY"},
       .hosts = {"api.kimi.com", "auth.kimi.com", "code.kimi.com", "api.kimi.ai", "auth.kimi.ai", "code.kimi.ai", "api.moonshot.ai"}},
      {.name = "gemini",
       .title = "Gemini CLI",
       .package = "@google/gemini-cli",
       .state = {{"gemini", ".gemini"}},
       .home_variables = {},
       .start = {.no_questions = {"--yolo", "--skip-trust"}, .resume = {"--resume", "latest"}, .headless = {},
                 .headless_no_questions = {"--yolo", "--skip-trust"}, .prompt_option = "--prompt="},
       .log_in = "gemini",
       // Google's refresh tokens stay good when they were used.
       .logins = {{.path = "gemini/oauth_creds.json"}, {.path = "gemini/google_accounts.json"}},
       .keys = {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT",
                "GOOGLE_CLOUD_LOCATION"},
       .hosts = {"generativelanguage.googleapis.com", "cloudcode-pa.googleapis.com", "oauth2.googleapis.com",
                 "accounts.googleapis.com", "www.googleapis.com", "accounts.google.com"}},
      {.name = "codex",
       .title = "Codex",
       .package = "@openai/codex",
       .state = {{"codex", ".codex"}},
       .home_variables = {{"CODEX_HOME", ".codex"}},
       .start = {.no_questions = {"--dangerously-bypass-approvals-and-sandbox"}, .resume = {"resume", "--last"}, .headless = {"exec"},
                 .headless_no_questions = {"--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"}},
       .log_in = "codex login --device-auth",
       .logins = {{.path = "codex/auth.json", .renews_itself = true, .keeps = "OPENAI_API_KEY"}},
       .keys = {"CODEX_API_KEY", "OPENAI_API_KEY"},
       .hosts = {"api.openai.com", "chatgpt.com", "auth.openai.com"}},
      {.name = "copilot",
       .title = "GitHub Copilot",
       .package = "@github/copilot",
       .state = {{"copilot", ".copilot"}, {"gh", ".config/gh"}},
       .home_variables = {{"COPILOT_HOME", ".copilot"}, {"COPILOT_CACHE_HOME", ".cache/copilot"}},
       .start = {.no_questions = {"--yolo"}, .resume = {"--continue"}, .headless = {}, .headless_no_questions = {"--yolo"},
                 .prompt_option = "--prompt="},
       .log_in = "copilot login --device-code",
       .logins = {{.path = "gh/hosts.yml"}},
       .keys = {"COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"},
       .hosts = {"github.com", "api.github.com", "*.githubcopilot.com", "copilot-proxy.githubusercontent.com",
                 "origin-tracker.githubusercontent.com"}},
  };
  return table;
}

std::span<const Agent> agents() { return agent_table(); }

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
