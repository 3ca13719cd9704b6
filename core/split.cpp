#include "core/split.hpp"

#include <cassert>
#include <utility>

#include "core/draw.hpp"

namespace sluice::core {
namespace {

constexpr std::uint64_t fnv_offset = 0xcbf29ce484222325ULL;
constexpr std::uint64_t fnv_prime = 0x100000001b3ULL;

// Separates the second point of a unit from its first.
constexpr std::uint64_t second_point = 0x9e3779b97f4a7c15ULL;

bool holds(ShareSet set, std::size_t index) {
  return (set >> index & 1U) != 0;
}

}  // namespace

std::uint64_t sticky_hash(std::uint64_t salt, std::string_view unit) {
  std::uint64_t hash = fnv_offset;
  // The salt goes in octet by octet, lowest first, so the result is the same on every machine.
  for (unsigned shift = 0; shift < 64; shift += 8) {
    hash = (hash ^ (salt >> shift & 0xffU)) * fnv_prime;
  }
  for (const char c : unit) hash = (hash ^ static_cast<unsigned char>(c)) * fnv_prime;
  // FNV leaves the high bits of similar units similar, and the point is made of the high bits.
  return mixed(hash);
}

Split::Split(std::vector<Share> shares, std::shared_ptr<const Trial> trial)
    : shares_(std::move(shares)), trial_(std::move(trial)) {
  assert(!shares_.empty() && shares_.size() <= max_shares);
  total_ = total_without(0);
}

std::uint64_t Split::total_without(ShareSet excluded) const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    if (!holds(excluded, i)) total += shares_[i].weight;
  }
  return total;
}

std::optional<ShareIndex> Split::draw(std::uint64_t random, ShareSet excluded) const {
  const std::uint64_t total = excluded == 0 ? total_ : total_without(excluded);
  std::uint64_t place = scaled(random, total);
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    if (holds(excluded, i)) continue;
    if (place < shares_[i].weight) return static_cast<ShareIndex>(i);
    place -= shares_[i].weight;
  }
  return std::nullopt;
}

std::optional<ShareIndex> Split::at(std::uint64_t unit_hash, ShareSet excluded) const {
  const auto first = owner(scaled(unit_hash, sticky_points), 0);
  if (!first || !holds(excluded, *first)) return first;
  return owner(scaled(mixed(unit_hash ^ second_point), sticky_points), excluded);
}

std::optional<ShareIndex> Split::owner(std::uint64_t point, ShareSet excluded) const {
  const std::uint64_t total = excluded == 0 ? total_ : total_without(excluded);
  // point / sticky_points < cumulative / total, multiplied out: nothing is rounded. The products
  // stay below 64 * weight_max * sticky_points < 2^46.
  const std::uint64_t place = point * total;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    if (holds(excluded, i)) continue;
    cumulative += std::uint64_t{shares_[i].weight} * sticky_points;
    if (place < cumulative) return static_cast<ShareIndex>(i);
  }
  return std::nullopt;
}

std::optional<ShareIndex> Split::share_of(std::uint32_t pool) const {
  for (std::size_t i = 0; i < shares_.size(); ++i) {
    if (shares_[i].pool == pool) return static_cast<ShareIndex>(i);
  }
  return std::nullopt;
}

}  // namespace sluice::core
