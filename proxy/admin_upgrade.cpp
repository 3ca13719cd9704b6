#include "proxy/admin_upgrade.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "proxy/admin_access.hpp"
#include "proxy/admin_body.hpp"
#include "proxy/admin_calls.hpp"
#include "proxy/admin_reading.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

Outcome<std::string> binary_of(const json::value& value) {
  if (!value.is_string())
    return wrong_type("\"binary\"", value, "a string like \"/usr/bin/sluice\"");
  const json::string& text = value.get_string();
  if (text.empty() || text.front() != '/')
    return unacceptable("\"binary\" is \"" + std::string(text.data(), text.size()) +
                        "\"; it must be the absolute path of a program.");
  return std::string(text.data(), text.size());
}

Outcome<milliseconds> patience_of(const json::value& value) {
  if (!value.is_string()) return wrong_type("\"timeout\"", value, "a string like \"30s\"");
  const json::string& text = value.get_string();
  const auto time = parse_duration({text.data(), text.size()});
  if (!time || time->count() == 0)
    return unacceptable("\"timeout\" is \"" + std::string(text.data(), text.size()) +
                        "\"; it must be a whole number above 0 with a unit (ms, s, m, h), such "
                        "as \"30s\".");
  return *time;
}

}  // namespace

Outcome<UpgradeOrder> read_upgrade_order(std::string_view body) {
  UpgradeOrder order;
  if (body.empty()) return order;
  const auto value = parse_json(body, R"({"binary":"/usr/bin/sluice","timeout":"30s"} or nothing)");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"binary", "timeout"})) return *denial;
  if (const json::value* binary = object->if_contains("binary"); binary != nullptr) {
    auto path = binary_of(*binary);
    if (!path) return path.error();
    order.binary = std::move(*path);
  }
  if (const json::value* timeout = object->if_contains("timeout"); timeout != nullptr) {
    const auto time = patience_of(*timeout);
    if (!time) return time.error();
    order.patience = *time;
  }
  return order;
}

void upgrade(AdminCall call) {
  if (refused_query(call)) return;
  auto order = read_upgrade_order(call.request.body);
  if (!order) return call.answer(denial_reply(order.error()));
  call.control.upgrade(
      std::move(*order), actor_of(call.request),
      [answer = std::move(call.answer)](Outcome<UpgradeStatus> status) {
        if (!status) return answer(denial_reply(status.error()));
        JsonWriter out;
        out.open_object().key("pid").number(static_cast<std::uint64_t>(status->pid));
        out.key("version").text(status->version);
        out.key("connections").number(status->connections).close_object();
        AdminReply reply;
        reply.body = out.line();
        answer(std::move(reply));
      });
}

}  // namespace sluice::proxy
