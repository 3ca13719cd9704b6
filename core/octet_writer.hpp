#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::core {

/// Appends to a string piece by piece. The string is made longer beforehand and cut to what was
/// written by the destructor, so that a piece costs a copy and no more; what is written must not be
/// read before. A string that keeps its capacity is not allocated for again.
class OctetWriter {
 public:
  explicit OctetWriter(std::string& out) : out_(out), at_(out.data() + out.size()) {
    make_room(usual_room);
  }
  OctetWriter(const OctetWriter&) = delete;
  OctetWriter& operator=(const OctetWriter&) = delete;
  ~OctetWriter() { out_.resize(size()); }

  void put(std::string_view text) {
    if (room() < text.size()) make_room(text.size());
    // The text of an empty view may be nowhere.
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  /// Words that the compiler knows become moves of registers.
  template <std::size_t N>
  [[gnu::always_inline]] void put(const char (&words)[N]) {
    constexpr std::size_t count = N - 1;
    if (room() < count) make_room(count);
    std::memcpy(at_, words, count);
    at_ += count;
  }
  void put(char octet) {
    if (room() == 0) make_room(1);
    *at_++ = octet;
  }

  /// The size of the string, if it ended here.
  std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
  /// Takes back what was put behind a size.
  void cut_to(std::size_t size) { at_ = out_.data() + size; }

 private:
  /// Holds most heads.
  static constexpr std::size_t usual_room = 640;

  std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  [[gnu::noinline]] void make_room(std::size_t room) {
    const std::size_t written = size();
    out_.resize(written + std::max(room, usual_room));
    at_ = out_.data() + written;
    end_ = out_.data() + out_.size();
  }

  std::string& out_;
  char* at_;
  char* end_ = nullptr;
};

}  // namespace sluice::core
