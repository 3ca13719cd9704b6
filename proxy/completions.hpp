#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "sluice/outcome.hpp"

namespace sluice::proxy {

/// The completions that callers of the library still wait for. Control thread only.
class Completions {
 public:
  /// `done`, to be called at most once in earnest: later calls, and those after abandon_all(), do
  /// nothing. Must not be called any more when this object is gone.
  template <class T>
  Done<T> owe(Done<T> done);

  /// Gives `denial` to everybody who still waits.
  void abandon_all(const Denial& denial);

 private:
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::function<void(const Denial&)>> owed_;
};

template <class T>
Done<T> Completions::owe(Done<T> done) {
  const std::uint64_t id = ++last_;
  owed_.emplace(id, [done](const Denial& denial) { done(denial); });
  return [this, id, done = std::move(done)](Outcome<T> outcome) {
    if (owed_.erase(id) > 0) done(std::move(outcome));
  };
}

inline void Completions::abandon_all(const Denial& denial) {
  // A completion may ask for something new, which is owed in turn.
  while (!owed_.empty()) {
    const auto abandon = std::move(owed_.begin()->second);
    owed_.erase(owed_.begin());
    abandon(denial);
  }
}

}  // namespace sluice::proxy
