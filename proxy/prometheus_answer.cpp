#include "proxy/prometheus_answer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include "core/octets.hpp"
#include "core/quoted.hpp"
#include "proxy/rollout_contact.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;
using Values = core::Result<std::vector<double>, std::string>;

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

const json::value* member(const json::value& of, std::string_view name) {
  const json::object* object = of.if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

/// "" when there is no such text.
std::string_view text_of(const json::value& of, std::string_view name) {
  const json::value* found = member(of, name);
  const json::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string_view() : view(*text);
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Adds the value of [time, "value"]. False when it is no such pair.
bool add_sample(const json::value* sample, std::vector<double>& values) {
  const json::array* pair = sample == nullptr ? nullptr : sample->if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[1].is_string()) return false;
  const auto number = parse_number(view((*pair)[1].get_string()));
  if (!number) return false;
  if (!std::isnan(*number)) values.push_back(*number);
  return true;
}

bool add_vector(const json::value& result, std::vector<double>& values) {
  const json::array* series = result.if_array();
  if (series == nullptr) return false;
  for (const json::value& one : *series) {
    if (member(one, "histogram") != nullptr) continue;
    if (!add_sample(member(one, "value"), values)) return false;
  }
  return true;
}

Values read_data(const json::value& data) {
  const json::value* result = member(data, "result");
  const std::string_view type = text_of(data, "resultType");
  if (result == nullptr || type.empty()) return std::string("the answer has no result");
  std::vector<double> values;
  bool is_understood = false;
  if (type == "vector") {
    is_understood = add_vector(*result, values);
  } else if (type == "scalar") {
    is_understood = add_sample(result, values);
  } else {
    return "the result is a " + std::string(type) + ", not a vector or a scalar";
  }
  if (!is_understood) return "the " + std::string(type) + " of the answer is malformed";
  if (values.empty()) return std::string("the result has no value");
  return values;
}

/// What Prometheus says about it, or else the beginning of the body.
std::string refusal(unsigned status, std::string_view body, const json::value& answer) {
  const std::string_view why = text_of(answer, "error");
  const std::string code = "status " + std::to_string(status);
  if (!why.empty()) return code + ": " + core::quoted(why);
  return body.empty() ? code : code + ": " + first_line(body);
}

}  // namespace

std::string query_path(std::string_view server_path, std::string_view expr) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  static constexpr std::string_view unreserved = "-._~";
  while (server_path.ends_with('/')) server_path.remove_suffix(1);
  std::string path = std::string(server_path) + "/api/v1/query?query=";
  for (const char c : expr) {
    if (core::is_letter(c) || core::is_digit(c) || unreserved.find(c) != std::string_view::npos) {
      path += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    path += {'%', digits[octet >> 4U], digits[octet & 0xfU]};
  }
  return path;
}

Values read_prometheus(unsigned status, std::string_view body) {
  boost::system::error_code error;
  const json::value answer = json::parse({body.data(), body.size()}, error);
  if (!is_success(status) || text_of(answer, "status") == "error") {
    return refusal(status, body, answer);
  }
  if (error) return "the answer is not JSON: " + error.message();
  const json::value* data = member(answer, "data");
  if (data == nullptr) return std::string("the answer has no data");
  return read_data(*data);
}

}  // namespace sluice::proxy
