#include <algorithm>
#include <array>
#include <jailed/plan/git/branches.hpp>

namespace jailed::plan {
namespace {

constexpr std::string_view kBranches = "refs/heads/";
constexpr std::size_t kMostNew = 64;  // a name is for people; more than that are for a program

std::string small_letters(std::string_view text) {
  std::string result(text);
  for (auto& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// What a short name may stand for: refs/tags/x and refs/remotes/x as well as refs/heads/x.
class Taken {
 public:
  explicit Taken(const GitRefs& here) {
    for (const auto& [name, value] : here) add(name);
  }

  void add(std::string_view ref) {
    for (const auto kind : {kBranches, std::string_view("refs/tags/"), std::string_view("refs/remotes/")}) {
      if (!ref.starts_with(kind)) continue;
      const auto name = small_letters(ref.substr(kind.size()));
      names_.insert(name);
      for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
        directories_.insert(name.substr(0, slash));
      // origin/x is for what the next fetch brings.
      if (kind == "refs/remotes/") remotes_.insert(name.substr(0, name.find('/')));
    }
    if (ref.starts_with(kBranches)) {
      const auto name = ref.substr(kBranches.size());
      for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1))
        spelled_.insert(std::string(name.substr(0, slash)));
    }
  }

  bool collides(std::string_view branch) const {
    const auto name = small_letters(branch);
    if (names_.contains(name) || directories_.contains(name) || remotes_.contains(name.substr(0, name.find('/')))) return true;
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      const auto above = name.substr(0, slash);
      // Feature/x beside feature/y is one directory where case is not told apart.
      if (names_.contains(above) || (directories_.contains(above) && !spelled_.contains(std::string(branch.substr(0, slash)))))
        return true;
    }
    return false;
  }

 private:
  std::set<std::string> names_, directories_, remotes_, spelled_;
};

}  // namespace

bool is_own_branch_name(std::string_view name) {
  static constexpr std::array<std::string_view, 9> words = {"head", "refs",  "heads",  "tags",      "remotes",
                                                            "stash", "notes", "bisect", "worktrees"};
  if (!is_plain_ref_name(std::string(kBranches) + std::string(name))) return false;
  const auto small = small_letters(name);
  const auto first = small.substr(0, small.find('/'));
  if (std::find(words.begin(), words.end(), first) != words.end() || small.ends_with("_head") || small == "auto_merge") return false;
  return small.size() < 4 || small.find_first_not_of("0123456789abcdef") != std::string::npos;
}

BranchPlan plan_branches(const std::vector<Arrival>& arrivals, const GitRefs& known, const GitRefs& here,
                         const std::set<std::string>& checked_out) {
  BranchPlan plan;
  Taken taken(here);
  for (const auto& arrival : arrivals) {
    if (!arrival.from.starts_with(kBranches) || checked_out.contains(arrival.from)) continue;
    const auto own = here.find(arrival.from);
    if (own != here.end()) {
      if (own->second != arrival.id && is_object_id(own->second) && is_plain_ref_name(arrival.from))
        plan.steps.push_back({arrival.from, arrival.id, own->second});
      continue;
    }
    const auto name = std::string_view(arrival.from).substr(kBranches.size());
    if (known.contains(arrival.from) || !is_own_branch_name(name) || taken.collides(name)) continue;
    taken.add(arrival.from);
    plan.steps.push_back({arrival.from, arrival.id, {}});
  }
  if (plan.steps.size() > kMostNew) {
    plan.too_many = plan.steps.size();
    plan.steps.clear();
  }
  return plan;
}

}  // namespace jailed::plan
