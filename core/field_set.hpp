#pragma once

#include <cstdint>
#include <initializer_list>

#include "core/head.hpp"

namespace sluice::core {

/// A set of field ids.
class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<FieldId> ids) {
    for (const FieldId id : ids) add(id);
  }

  constexpr bool has(FieldId id) const { return (bits_ & bit(id)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr void add(FieldId id) { bits_ |= bit(id); }
  constexpr void add(FieldSet more) { bits_ |= more.bits_; }

 private:
  static constexpr std::uint64_t bit(FieldId id) {
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }

  std::uint64_t bits_ = 0;
};

static_assert(static_cast<unsigned>(FieldId::x_request_id) < 64, "one bit for each id");

}  // namespace sluice::core
