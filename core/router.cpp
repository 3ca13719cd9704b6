#include "core/router.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/octets.hpp"
#include "core/target.hpp"
#include "core/text_map.hpp"

namespace sluice::core {
namespace {

// No host that can be configured is longer, so a longer one cannot match a name.
constexpr std::size_t host_max = 253;

/// One route as far as requests are compared with it.
struct Candidate {
  std::uint32_t route = 0;
  std::string name;
  std::vector<std::string> methods;
  std::vector<FieldMatchSettings> fields;

  std::size_t conditions() const { return fields.size() + (methods.empty() ? 0 : 1); }
  bool holds(const RequestHead& head) const;
};

bool has_field(const RequestHead& head, const FieldMatchSettings& wanted) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const Field& field) {
    return field.value == wanted.value && iequals(field.name, wanted.name);
  });
}

bool Candidate::holds(const RequestHead& head) const {
  if (!methods.empty() && std::find(methods.begin(), methods.end(), head.method) == methods.end()) {
    return false;
  }
  return std::all_of(fields.begin(), fields.end(),
                     [&](const FieldMatchSettings& wanted) { return has_field(head, wanted); });
}

bool comes_before(const Candidate& a, const Candidate& b) {
  return std::forward_as_tuple(b.conditions(), a.name, a.route) <
         std::forward_as_tuple(a.conditions(), b.name, b.route);
}

/// A path that is configured, with its candidates. One cache line, the path included when it is
/// short: with thousands of routes each look-up of one that was not asked for lately has to wait
/// for memory, and should do so once.
struct alignas(64) PathSlot {
  std::string path;
  std::size_t hash = 0;
  std::uint32_t first = 0;  ///< of its candidates
  std::uint32_t count = 0;  ///< 0: the slot is free
  std::uint32_t route = 0;  ///< of the first candidate
  bool is_plain = false;    ///< the first candidate has no conditions
};

static_assert(sizeof(PathSlot) == 64);

/// The routes of one host: a hash table with open addressing, at most half full.
class Paths {
 public:
  void add(const std::string& path, Candidate candidate) {
    added_.emplace_back(path, std::move(candidate));
  }

  /// To be called once after the last add().
  void sort() {
    std::sort(added_.begin(), added_.end(), [](const Added& a, const Added& b) {
      return a.first != b.first ? a.first < b.first : comes_before(a.second, b.second);
    });
    slots_.resize(std::bit_ceil(2 * added_.size() + 1));
    candidates_.reserve(added_.size());
    for (auto& [path, candidate] : added_) {
      PathSlot& slot = slots_[place_of(path, TextHash{}(path))];
      if (slot.count++ == 0) {
        slot.path = path;
        slot.hash = TextHash{}(path);
        slot.first = static_cast<std::uint32_t>(candidates_.size());
        slot.route = candidate.route;
        slot.is_plain = candidate.conditions() == 0;
        lengths_.push_back(path.size());
      }
      candidates_.push_back(std::move(candidate));
    }
    std::vector<Added>().swap(added_);
    std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
    lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
  }

  std::optional<std::uint32_t> match(std::string_view path, const RequestHead& head) const {
    for (const std::size_t length : lengths_) {
      if (!is_segment_border(path, length)) continue;
      const std::string_view prefix = path.substr(0, length);
      const PathSlot& slot = slots_[place_of(prefix, TextHash{}(prefix))];
      if (slot.count == 0) continue;
      if (slot.is_plain) return slot.route;
      for (std::uint32_t i = slot.first; i < slot.first + slot.count; ++i) {
        if (candidates_[i].holds(head)) return candidates_[i].route;
      }
    }
    return std::nullopt;
  }

 private:
  using Added = std::pair<std::string, Candidate>;

  static bool is_segment_border(std::string_view path, std::size_t length) {
    if (length == 0 || length > path.size()) return false;
    return length == path.size() || path[length] == '/' || path[length - 1] == '/';
  }

  /// Where `path` is, or else the free slot where it would be. There is always a free one.
  std::size_t place_of(std::string_view path, std::size_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].count != 0 && (slots_[at].hash != hash || slots_[at].path != path)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  std::vector<Added> added_;  ///< until sort()
  std::vector<PathSlot> slots_;
  std::vector<Candidate> candidates_;  ///< of one path after another, the best of each first
  std::vector<std::size_t> lengths_;   ///< of the paths, distinct, longest first
};

/// A host of a request in the form in which hosts are looked up, without allocation.
class HostKey {
 public:
  explicit HostKey(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() > host_max) return;
    std::transform(host.begin(), host.end(), octets_.begin(), to_lower);
    size_ = host.size();
  }
  /// "" when there is none, or one that no route can name.
  std::string_view text() const { return {octets_.data(), size_}; }

 private:
  std::array<char, host_max> octets_;
  std::size_t size_ = 0;
};

/// Brackets off, as host_of() does with the host of a request.
std::string_view bare(std::string_view host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

std::string_view path_of(const RequestHead& head) {
  if (head.path == "*") return "/";
  return head.path.substr(0, head.path.find('?'));
}

}  // namespace

struct Router::Index {
  TextMap<Paths> exact;
  TextMap<Paths> wildcard;  ///< by what follows "*."
  Paths any;

  Paths& paths_for(std::string_view host);
  void sort();
  std::optional<std::uint32_t> match(std::string_view host, const RequestHead& head) const;
};

Paths& Router::Index::paths_for(std::string_view host) {
  if (host.empty()) return any;
  const bool is_wildcard = host.starts_with(wildcard_prefix);
  if (is_wildcard) host.remove_prefix(wildcard_prefix.size());
  auto& hosts = is_wildcard ? wildcard : exact;
  return hosts[std::string(HostKey(bare(host)).text())];
}

void Router::Index::sort() {
  for (auto& [host, paths] : exact) paths.sort();
  for (auto& [suffix, paths] : wildcard) paths.sort();
  any.sort();
}

std::optional<std::uint32_t> Router::Index::match(std::string_view host,
                                                  const RequestHead& head) const {
  const std::string_view path = path_of(head);
  if (!host.empty()) {
    if (const auto found = exact.find(host); found != exact.end()) {
      if (const auto route = found->second.match(path, head)) return route;
    }
    // A label must stand for the "*", hence the search for a dot behind the first octet.
    std::size_t dot = wildcard.empty() ? std::string_view::npos : host.find('.', 1);
    for (; dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      const auto found = wildcard.find(host.substr(dot + 1));
      if (found == wildcard.end()) continue;
      if (const auto route = found->second.match(path, head)) return route;
    }
  }
  return any.match(path, head);
}

Router::Router(std::span<const RouteSettings> routes) {
  auto index = std::make_unique<Index>();
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const RouteSettings& route = routes[i];
    index->paths_for(route.host)
        .add(route.path,
             {.route = i, .name = route.name, .methods = route.methods, .fields = route.fields});
  }
  index->sort();
  index_ = std::move(index);
}

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

std::optional<std::uint32_t> Router::match(const RequestHead& head) const {
  return index_->match(HostKey(host_of(head.authority)).text(), head);
}

}  // namespace sluice::core
