#pragma once

#include <bit>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

/// Look-ups by pool and backend: of many thousands at each reload, so none of them makes strings.
namespace sluice::proxy {

/// A backend by its pool and its address; with the address "" all of the pool.
using Place = std::pair<std::string, std::string>;
/// The same, owned by somebody else.
using PlaceView = std::pair<std::string_view, std::string_view>;

inline PlaceView view_of(const Place& place) {
  return {place.first, place.second};
}
inline PlaceView view_of(const PlaceView& place) {
  return place;
}

/// Pools in alphabetical order, and so the addresses in each.
struct PlaceLess {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view_of(a) < view_of(b);
  }
};

using PlaceSet = std::set<Place, PlaceLess>;
template <class Value>
using SortedPlaceMap = std::map<Place, Value, PlaceLess>;

/// Values by place, in no order. A value stays where it is until it is erased.
template <class Value>
class PlaceMap {
 public:
  /// The value, or nullptr.
  Value* find(std::string_view pool, std::string_view address) {
    const auto found = values_.find(PlaceView{pool, address});
    return found == values_.end() ? nullptr : &found->second;
  }
  const Value* find(std::string_view pool, std::string_view address) const {
    const auto found = values_.find(PlaceView{pool, address});
    return found == values_.end() ? nullptr : &found->second;
  }
  bool contains(std::string_view pool, std::string_view address) const {
    return find(pool, address) != nullptr;
  }
  /// The value, made by default when there was none; and whether it was made.
  std::pair<Value&, bool> add(std::string_view pool, std::string_view address) {
    if (Value* known = find(pool, address)) return {*known, false};
    return {values_.try_emplace(Place(pool, address)).first->second, true};
  }
  /// Whether there was one.
  bool erase(std::string_view pool, std::string_view address) {
    const auto found = values_.find(PlaceView{pool, address});
    if (found == values_.end()) return false;
    values_.erase(found);
    return true;
  }
  /// Erases those for which `is_meant(place, value)` is true.
  template <class IsMeant>
  void erase_if(IsMeant is_meant) {
    std::erase_if(values_, [&](const auto& entry) { return is_meant(entry.first, entry.second); });
  }
  void clear() { values_.clear(); }
  bool empty() const { return values_.empty(); }
  std::size_t size() const { return values_.size(); }
  /// Pairs of place and value.
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    template <class P>
    std::size_t operator()(const P& place) const {
      const auto [pool, address] = view_of(place);
      const std::hash<std::string_view> hash;
      return std::rotl(hash(pool), 1) ^ hash(address);
    }
  };
  struct Equal {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      // Addresses differ more often than pools.
      const PlaceView left = view_of(a);
      const PlaceView right = view_of(b);
      return left.second == right.second && left.first == right.first;
    }
  };

  std::unordered_map<Place, Value, Hash, Equal> values_;
};

}  // namespace sluice::proxy
