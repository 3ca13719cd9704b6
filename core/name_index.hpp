#pragma once

#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace sluice::core {

/// The elements of a list by their member `name`, for many look-ups; of equal names the first. The
/// list and its names must stay where they are as long as this lives. `List` may be const.
template <class List>
class NameIndex {
 public:
  using Element = std::remove_reference_t<decltype(*std::declval<List&>().begin())>;

  explicit NameIndex(List& list) {
    found_.reserve(list.size());
    for (Element& element : list) found_.emplace(element.name, &element);
  }

  /// The element, or nullptr.
  Element* find(std::string_view name) const {
    const auto entry = found_.find(name);
    return entry == found_.end() ? nullptr : entry->second;
  }

 private:
  std::unordered_map<std::string_view, Element*> found_;
};

}  // namespace sluice::core
