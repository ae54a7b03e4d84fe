#include "support.hpp"

namespace jailed::core {

bool operator==(const Error& left, const Error& right) {
  return std::string(left.what()) == right.what() && left.next_step() == right.next_step() &&
         left.exit_code() == right.exit_code();
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << error.exit_code() << ": " << error.what() << " / " << error.next_step();
}

}  // namespace jailed::core
