#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// What tests send through a relay.
namespace sluice::proxy {

inline constexpr std::string_view relayed_head = "HEAD\r\n\r\n";

/// "0 1 2 3 ...", so that no octet may move unseen.
inline std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  text.resize(size);
  return text;
}

}  // namespace sluice::proxy
