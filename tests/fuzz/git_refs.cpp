// Refs and what a homecoming reads: files of the shadow and the collector's answer, both an agent's to write.
#include <jailed/plan/git/homecoming.hpp>
#include <jailed/plan/git/refs.hpp>

#include "fuzz.hpp"

using namespace jailed::plan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = jailed::fuzz::text_of(data, size);
  const auto refs = parse_refs(text);
  MUST(parse_refs(format_refs(refs)) == refs);
  if (const auto value = parse_loose_ref(text)) MUST(is_object_id(*value) || value->starts_with("ref: "));
  GitRefs packed;
  add_packed_refs(text, packed);
  GitRefs again;
  add_packed_refs(packed_refs_file(packed), again);
  for (const auto& [name, id] : again) MUST(packed.contains(name) && packed.at(name) == id);
  if (const auto record = parse_record(text)) MUST(parse_record(format_record(*record)) == record);
  if (const auto collected = parse_collected(text)) {
    MUST(collected->pack_at <= text.size());
    const auto arrivals = plan_arrivals({}, collected->refs, "0123456789ab");
    for (const auto& ref : arrivals.refs) {
      MUST(ref.to.starts_with("refs/jailed/0123456789ab/") && is_plain_ref_name(ref.to));
      MUST(is_object_id(ref.id));
    }
  }
  for (const auto& path : changed_gitlinks(text)) MUST(path.find('\0') == std::string::npos);
  return 0;
}
