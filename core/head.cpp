#include "core/head.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "core/octets.hpp"

namespace sluice::core {
namespace {

struct KnownName {
  std::string_view name;
  FieldId id;
};

// In order of length, so that the length alone leaves at most four candidates.
constexpr std::array known_names = {
    KnownName{"te", FieldId::te},
    KnownName{"via", FieldId::via},
    KnownName{"date", FieldId::date},
    KnownName{"host", FieldId::host},
    KnownName{"accept", FieldId::accept},
    KnownName{"cookie", FieldId::cookie},
    KnownName{"expect", FieldId::expect},
    KnownName{"server", FieldId::server},
    KnownName{"alt-svc", FieldId::alt_svc},
    KnownName{"trailer", FieldId::trailer},
    KnownName{"upgrade", FieldId::upgrade},
    KnownName{"location", FieldId::location},
    KnownName{"forwarded", FieldId::forwarded},
    KnownName{"connection", FieldId::connection},
    KnownName{"keep-alive", FieldId::keep_alive},
    KnownName{"set-cookie", FieldId::set_cookie},
    KnownName{"traceparent", FieldId::traceparent},
    KnownName{"content-type", FieldId::content_type},
    KnownName{"max-forwards", FieldId::max_forwards},
    KnownName{"proxy-status", FieldId::proxy_status},
    KnownName{"x-request-id", FieldId::x_request_id},
    KnownName{"authorization", FieldId::authorization},
    KnownName{"content-length", FieldId::content_length},
    KnownName{"http2-settings", FieldId::http2_settings},
    KnownName{"x-forwarded-for", FieldId::x_forwarded_for},
    KnownName{"proxy-connection", FieldId::proxy_connection},
    KnownName{"x-forwarded-host", FieldId::x_forwarded_host},
    KnownName{"transfer-encoding", FieldId::transfer_encoding},
    KnownName{"x-forwarded-proto", FieldId::x_forwarded_proto},
    KnownName{"proxy-authenticate", FieldId::proxy_authenticate},
    KnownName{"proxy-authorization", FieldId::proxy_authorization},
};

constexpr std::size_t longest_name = known_names.back().name.size();
constexpr std::size_t shortest_name = known_names.front().name.size();
static_assert(shortest_name >= 2);

/// first_of_length[n] is the place of the first known name with n or more letters.
constexpr auto first_of_length = [] {
  std::array<std::uint8_t, longest_name + 2> first{};
  std::size_t at = 0;
  for (std::size_t length = 0; length < first.size(); ++length) {
    while (at < known_names.size() && known_names[at].name.size() < length) ++at;
    first[length] = static_cast<std::uint8_t>(at);
  }
  return first;
}();

static_assert(std::is_sorted(known_names.begin(), known_names.end(),
                             [](const KnownName& a, const KnownName& b) {
                               return a.name.size() < b.name.size();
                             }));
static_assert(known_names.size() == static_cast<std::size_t>(FieldId::x_request_id));

bool same_letters(const char* a, const char* b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

template <class Word>
Word load(const char* from) {
  Word word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

/// Whether a word of a name is one of `known` without regard to case. All octets are letters,
/// digits and "-": what differs from these in the bit of case alone is a letter or a control
/// character, and those have neither of the two bits set that tell printable octets.
template <class Word>
bool is_word(const char* name, const char* known) {
  constexpr auto case_bits = static_cast<Word>(0x2020202020202020U);
  constexpr auto printable = static_cast<Word>(0x4040404040404040U);
  const Word word = load<Word>(name);
  const auto differs =
      static_cast<Word>((word ^ load<Word>(known)) & static_cast<Word>(~case_bits));
  const auto prints = static_cast<Word>((word | static_cast<Word>(word << 1U)) & printable);
  return differs == 0 && prints == printable;
}

/// Compares a word at a time: that at the front and that at the end meet or overlap.
template <class Word>
bool same_words(const char* name, const char* known, std::size_t count) {
  const std::size_t last = count - sizeof(Word);
  return is_word<Word>(name, known) && is_word<Word>(name + last, known + last);
}

bool is_name(const char* name, const char* known, std::size_t count) {
  if (count > 2 * sizeof(std::uint64_t)) return same_letters(name, known, count);
  if (count >= sizeof(std::uint64_t)) {
    return same_words<std::uint64_t>(name, known, count);
  }
  if (count >= sizeof(std::uint32_t)) {
    return same_words<std::uint32_t>(name, known, count);
  }
  return same_words<std::uint16_t>(name, known, count);
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() < shortest_name || name.size() > longest_name) return FieldId::other;
  const std::size_t end = first_of_length[name.size() + 1];
  for (std::size_t at = first_of_length[name.size()]; at < end; ++at) {
    const KnownName& known = known_names[at];
    if (is_name(name.data(), known.name.data(), name.size())) return known.id;
  }
  return FieldId::other;
}

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_letters(a.data(), b.data(), a.size());
}

const Field* find(const Fields& fields, FieldId id) {
  for (const Field& field : fields) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

}  // namespace sluice::core
