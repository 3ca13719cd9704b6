#include "core/rotation.hpp"

#include <algorithm>
#include <utility>

#include "core/draw.hpp"

namespace sluice::core {

// All fractions are compared multiplied out, so nothing is rounded however long a rotation runs.
bool Rotation::BeginsLater::operator()(const Turns& a, const Turns& b) const {
  const Wide left = Wide{a.taken} * b.entry.weight;
  const Wide right = Wide{b.taken} * a.entry.weight;
  return left != right ? left > right : a.order > b.order;
}

bool Rotation::EndsLater::operator()(const Turns& a, const Turns& b) const {
  const Wide left = Wide{a.taken + 1} * b.entry.weight;
  const Wide right = Wide{b.taken + 1} * a.entry.weight;
  return left != right ? left > right : a.order > b.order;
}

Rotation::Rotation(const std::vector<Entry>& entries) {
  due_.reserve(entries.size());
  for (const Entry& entry : entries) {
    equal_ = equal_ && entry.weight == entries.front().weight;
    total_ += entry.weight;
    due_.push_back({.entry = entry, .order = due_.size(), .taken = 0});
  }
  if (equal_) return;
  early_.reserve(entries.size());
  std::make_heap(due_.begin(), due_.end(), EndsLater{});
}

Backend* Rotation::next(std::span<Backend* const> tried) {
  if (equal_) return next_of_equals(tried);
  wake();
  // When all that are due are in `tried`, one that is not due serves early rather than nobody.
  const bool is_due = lift(due_, EndsLater{}, tried);
  if (!is_due && !lift(early_, BeginsLater{}, tried)) return nullptr;
  std::vector<Turns>& from = is_due ? due_ : early_;
  Turns chosen = from.back();
  from.pop_back();
  ++chosen.taken;
  ++turn_;
  early_.push_back(chosen);
  std::push_heap(early_.begin(), early_.end(), BeginsLater{});
  return chosen.entry.backend;
}

Backend* Rotation::next_of_equals(std::span<Backend* const> tried) {
  const std::size_t size = due_.size();
  for (std::size_t step = 0; step < size; ++step) {
    if (contains(tried, due_[(cursor_ + step) % size].entry.backend)) continue;
    // Those passed over move one place back, so their turns come right after this one.
    for (std::size_t place = step; place > 0; --place) {
      std::swap(due_[(cursor_ + place) % size], due_[(cursor_ + place - 1) % size]);
    }
    Backend* chosen = due_[cursor_].entry.backend;
    cursor_ = (cursor_ + 1) % size;
    return chosen;
  }
  return nullptr;
}

/// Takes the first entry of `heap` that is not in `tried` out of the order and puts it at the back;
/// the rest is a heap again. False when there is none.
template <class Order>
bool Rotation::lift(std::vector<Turns>& heap, Order order, std::span<Backend* const> tried) {
  auto end = heap.end();
  bool found = false;
  while (!found && end != heap.begin()) {
    std::pop_heap(heap.begin(), end, order);
    --end;
    found = !contains(tried, end->entry.backend);
  }
  if (found) std::swap(*end, heap.back());
  const auto last = found ? heap.end() - 1 : heap.end();
  while (end != last) std::push_heap(heap.begin(), ++end, order);
  return found;
}

void Rotation::wake() {
  while (!early_.empty() && may_begin(early_.front())) {
    std::pop_heap(early_.begin(), early_.end(), BeginsLater{});
    due_.push_back(early_.back());
    early_.pop_back();
    std::push_heap(due_.begin(), due_.end(), EndsLater{});
  }
}

bool Rotation::may_begin(const Turns& turns) const {
  return Wide{turns.taken} * total_ < Wide{turn_ + 1} * turns.entry.weight;
}

}  // namespace sluice::core
