#include "proxy/own_answer.hpp"

#include "core/status.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
using core::FailureReason;

std::string_view proxy_error_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::connect_refused:
      return "connection_refused";
    case FailureReason::connect_failed:
      return "destination_ip_unroutable";
    case FailureReason::connect_timeout:
      return "connection_timeout";
    case FailureReason::name_unresolved:
      return "dns_error";
    case FailureReason::reset:
      return "connection_terminated";
    case FailureReason::first_byte_timeout:
    case FailureReason::idle_timeout:
      return "http_response_timeout";
    case FailureReason::bad_response:
      return "http_protocol_error";
    case FailureReason::count_:
      break;
  }
  return "proxy_internal_error";
}

OwnAnswer answer_for(FailureReason reason) {
  switch (reason) {
    case FailureReason::connect_refused:
      return {502, "the backend refuses connections", proxy_error_of(reason), {}, true};
    case FailureReason::connect_failed:
      return {502, "the backend cannot be reached", proxy_error_of(reason), {}, true};
    case FailureReason::name_unresolved:
      return {502, "the name of the backend has no address", proxy_error_of(reason), {}, true};
    case FailureReason::reset:
      return {502, "the backend broke the connection", proxy_error_of(reason), {}, false};
    case FailureReason::bad_response:
      return {502, "the answer of the backend is malformed", proxy_error_of(reason), {}, false};
    case FailureReason::connect_timeout:
    case FailureReason::first_byte_timeout:
    case FailureReason::idle_timeout:
      return {504, "the backend did not answer in time", proxy_error_of(reason), {}, false};
    case FailureReason::count_:
      break;
  }
  return {502, "the backend failed", proxy_error_of(reason), {}, false};
}

void write_own_answer(std::string& out, const OwnAnswer& answer, const OwnAnswerForm& form) {
  const std::string status = std::to_string(answer.status);
  const std::string_view phrase = core::reason_phrase(answer.status);
  std::string body;
  if (form.json) {
    JsonWriter json;
    json.open_object().key("status").number(answer.status).key("title").text(phrase);
    json.key("detail").text(answer.detail).key("request_id").text(form.request_id).close_object();
    body = json.line();
  } else {
    body.append(status).append(" ").append(phrase);
    if (!answer.detail.empty()) body.append(": ").append(answer.detail);
    if (!form.request_id.empty()) body.append("\nrequest id: ").append(form.request_id);
    body.append("\n");
  }
  out.append("HTTP/1.1 ").append(status).append(" ").append(phrase);
  out.append("\r\nDate: ").append(form.date);
  out.append("\r\nContent-Type: ").append(form.json ? "application/json" : "text/plain");
  out.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  out.append("\r\nCache-Control: no-store");
  if (!answer.allow.empty()) out.append("\r\nAllow: ").append(answer.allow);
  if (!answer.proxy_error.empty()) {
    out.append("\r\nProxy-Status: sluice; error=").append(answer.proxy_error);
  }
  if (answer.retry_after) out.append("\r\nRetry-After: 1");
  if (!form.request_id.empty()) out.append("\r\nX-Request-Id: ").append(form.request_id);
  if (form.close) out.append("\r\nConnection: close");
  out.append("\r\n\r\n");
  if (!form.without_body) out.append(body);
}

}  // namespace sluice::proxy
