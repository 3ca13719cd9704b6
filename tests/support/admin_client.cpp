#include "tests/support/admin_client.hpp"

#include <algorithm>
#include <sstream>

#include "tests/support/raw_client.hpp"

namespace sluice::support {

const boost::json::value& AdminAnswer::at(std::string_view pointer) const {
  static const boost::json::value null;
  boost::json::error_code error;
  const auto* found = json.find_pointer({pointer.data(), pointer.size()}, error);
  return found == nullptr ? null : *found;
}

std::int64_t AdminAnswer::number(std::string_view pointer) const {
  const auto& value = at(pointer);
  boost::json::error_code error;
  const auto number = value.is_number() ? value.to_number<double>(error) : -1;
  return static_cast<std::int64_t>(number);
}

std::string AdminAnswer::string(std::string_view pointer) const {
  const auto& value = at(pointer);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::ostream& operator<<(std::ostream& out, const AdminAnswer& answer) {
  return out << answer.status << " " << answer.text;
}

AdminAnswer AdminClient::call(std::string_view method, std::string_view path, std::string_view body,
                              std::string_view fields) const {
  RawClient client(address_);
  std::string text(method);
  text.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  text.append(fields);
  if (!token_.empty()) text += "Authorization: Bearer " + token_ + "\r\n";
  if (!body.empty())
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  const Response response = client.ask(text.append("\r\n").append(body), method);
  if (!response.complete)
    throw Failure("admin " + std::string(method) + " " + std::string(path) + ": " +
                  response.trouble);
  AdminAnswer answer{response.status, response.fields, response.body, {}};
  boost::json::error_code error;
  answer.json = boost::json::parse(response.body, error);
  if (error) answer.json = nullptr;
  return answer;
}

AdminAnswer AdminClient::split(std::string_view weight_v1, std::string_view weight_v2,
                               std::string_view route) const {
  std::ostringstream body;
  body << R"({"weights":{"v1":)" << weight_v1 << R"(,"v2":)" << weight_v2 << "}}";
  return put("/v1/routes/" + std::string(route) + "/split", body.str());
}

double AdminClient::metric(std::string_view name,
                           std::initializer_list<std::string_view> labels) const {
  std::istringstream lines(get("/metrics").text);
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto name_end = line.find_first_of("{ ");
    if (name_end == std::string::npos || std::string_view(line).substr(0, name_end) != name)
      continue;
    const bool fits = std::all_of(labels.begin(), labels.end(), [&](std::string_view label) {
      return line.find(label) != std::string::npos;
    });
    if (fits) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

}  // namespace sluice::support
