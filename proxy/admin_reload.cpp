#include "proxy/admin_reload.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "proxy/admin_access.hpp"
#include "proxy/admin_body.hpp"
#include "proxy/admin_calls.hpp"
#include "proxy/admin_json.hpp"
#include "proxy/admin_reading.hpp"
#include "proxy/admin_units.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

namespace json = boost::json;

Done<ReloadStatus> reload_answer(AdminAnswer answer) {
  return [answer = std::move(answer)](Outcome<ReloadStatus> status) {
    answer(status ? json_reply(to_json(*status)) : denial_reply(status.error()));
  };
}

Outcome<milliseconds> confirm_time(const json::value& value) {
  if (!value.is_string()) return wrong_type("\"confirm\"", value, "a string like \"60s\"");
  const json::string& text = value.get_string();
  const auto time = parse_duration({text.data(), text.size()});
  if (!time || time->count() == 0)
    return unacceptable("\"confirm\" is \"" + std::string(text.data(), text.size()) +
                        "\"; it must be a whole number above 0 with a unit (ms, s, m, h), such "
                        "as \"60s\".");
  return *time;
}

void write_members(JsonWriter& out, const ReloadRecord& record) {
  out.key("number").number(record.number).key("at").text(utc_text(record.at_ms));
  out.key("who").text(record.who).key("from").text(record.from).key("why").text(record.why);
  out.key("hash").text(record.hash).key("changes").open_array();
  for (const std::string& change : record.changes) out.text(change);
  out.close_array();
}

void write(JsonWriter& out, const SettingsChange& change) {
  out.open_object().key("subject").text(change.subject).key("kind").text(to_string(change.kind));
  out.key("details").open_array();
  for (const std::string& detail : change.details) out.text(detail);
  out.close_array().close_object();
}

}  // namespace

Outcome<ReloadOrder> read_reload_order(std::string_view body) {
  ReloadOrder order;
  if (body.empty()) return order;
  const auto value = parse_json(body, R"({"dry_run":true,"confirm":"60s"} or nothing)");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"dry_run", "confirm"})) return *denial;
  if (const json::value* dry_run = object->if_contains("dry_run"); dry_run != nullptr) {
    if (!dry_run->is_bool()) return wrong_type("\"dry_run\"", *dry_run, "true or false");
    order.dry_run = dry_run->get_bool();
  }
  if (const json::value* confirm = object->if_contains("confirm"); confirm != nullptr) {
    const auto time = confirm_time(*confirm);
    if (!time) return time.error();
    order.confirm = *time;
  }
  return order;
}

Outcome<std::optional<std::uint64_t>> read_confirmed_record(std::string_view body) {
  std::optional<std::uint64_t> record;
  if (body.empty()) return record;
  const auto value = parse_json(body, R"({"record":7} or nothing)");
  if (!value) return value.error();
  const json::object* object = value->if_object();
  if (object == nullptr) return wrong_type("The body", *value, "an object");
  if (auto denial = unknown_member(*object, {"record"})) return *denial;
  const json::value* number = object->if_contains("record");
  if (number == nullptr) return record;
  if (!number->is_int64() || number->get_int64() < 1) {
    return wrong_type("\"record\"", *number, "a whole number above 0");
  }
  record = static_cast<std::uint64_t>(number->get_int64());
  return record;
}

void reload_settings(AdminCall call) {
  if (refused_query(call)) return;
  const auto order = read_reload_order(call.request.body);
  if (!order) return call.answer(denial_reply(order.error()));
  call.control.reload_source(*order, actor_of(call.request), reload_answer(std::move(call.answer)));
}

void confirm_reload(AdminCall call) {
  if (refused_query(call)) return;
  const auto record = read_confirmed_record(call.request.body);
  if (!record) return call.answer(denial_reply(record.error()));
  call.control.confirm_reload(*record, actor_of(call.request),
                              reload_answer(std::move(call.answer)));
}

void answer_reloads(AdminCall call) {
  if (refused_query(call)) return;
  call.answer(json_reply(to_json(call.control.reload_history())));
}

void answer_reload(AdminCall call) {
  if (refused_query(call)) return;
  const auto record = call.control.reload_record(call.names[0]);
  call.answer(record ? json_reply(to_json(*record)) : denial_reply(record.error()));
}

void roll_back_settings(AdminCall call) {
  if (refused_query(call)) return;
  const auto order = read_reload_order(call.request.body);
  if (!order) return call.answer(denial_reply(order.error()));
  call.control.roll_back_settings(call.names[0], *order, actor_of(call.request),
                                  reload_answer(std::move(call.answer)));
}

std::string to_json(const ReloadStatus& status) {
  JsonWriter out;
  out.open_object().key("generation").number(status.generation);
  out.key("record").number(status.record).key("dry_run").boolean(status.is_dry_run);
  out.key("file_differs").boolean(status.file_differs).key("confirm_by");
  if (status.confirm_by_ms == 0) {
    out.null();
  } else {
    out.text(utc_text(status.confirm_by_ms));
  }
  out.key("changes").open_array();
  for (const SettingsChange& change : status.changes) write(out, change);
  out.close_array().key("notices").open_array();
  for (const std::string& notice : status.notices) out.text(notice);
  out.close_array().close_object();
  return out.line();
}

std::string to_json(const std::vector<ReloadRecord>& records) {
  JsonWriter out;
  out.open_object().key("reloads").open_array();
  for (const ReloadRecord& record : records) {
    out.open_object();
    write_members(out, record);
    out.close_object();
  }
  out.close_array().close_object();
  return out.line();
}

std::string to_json(const ReloadRecord& record) {
  JsonWriter out;
  out.open_object();
  write_members(out, record);
  out.key("text").text(record.text).close_object();
  return out.line();
}

}  // namespace sluice::proxy
