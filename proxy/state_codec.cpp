#include "proxy/state_codec.hpp"

namespace sluice::proxy {
namespace json = boost::json;

StateProblem StateProblem::under(std::string_view step) const {
  StateProblem outer(wrong_);
  const bool is_joined = place_.empty() || place_.front() == '[';
  outer.place_ = std::string(step) + (is_joined ? "" : ".") + place_;
  outer.text_ = outer.place_ + " " + wrong_;
  return outer;
}

StateReader::StateReader(const json::value& value)
    : object_(value.is_object() ? value.get_object() : throw StateProblem("is no object")) {}

std::string state_bits(std::uint64_t bits) {
  std::array<char, 16> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), bits, 16);
  return {text.data(), written.ptr};
}

std::uint64_t bits_of(const json::value& value) {
  const std::string text = StateCodec<std::string>::read(value);
  const char* end = text.data() + text.size();
  std::uint64_t bits = 0;
  const auto read = std::from_chars(text.data(), end, bits, 16);
  if (read.ec == std::errc() && read.ptr == end) return bits;
  throw StateProblem("is no text of 1 to 16 hexadecimal digits");
}

bool StateCodec<bool>::read(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  throw StateProblem("is neither true nor false");
}

std::string StateCodec<std::string>::read(const json::value& value) {
  if (!value.is_string()) throw StateProblem("is no text");
  const json::string& text = value.get_string();
  return {text.data(), text.size()};
}

json::value StateCodec<double>::write(double value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  return json::string(text.data(), written.ptr);
}

double StateCodec<double>::read(const json::value& value) {
  const std::string text = StateCodec<std::string>::read(value);
  const char* end = text.data() + text.size();
  double number = 0;
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr == end && std::isfinite(number)) return number;
  throw StateProblem("is no text of a finite number");
}

}  // namespace sluice::proxy
