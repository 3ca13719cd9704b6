#include "proxy/program/demo_service.hpp"

namespace sluice::proxy::program {
namespace {

constexpr std::size_t export_rows = 8000;

std::string page_of(std::string_view version) {
  const bool old = version == "v1";
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Toy shop ";
  page += version;
  page += "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>body{margin:0;min-height:100vh;";
  page += "display:grid;place-items:center;color:#fff;text-align:center;";
  page += "font-family:system-ui,sans-serif;background:";
  page += old ? "#b45309" : "#0f766e";
  page += "}h1{font-size:4rem;margin:0}</style></head>\n<body><main><h1>";
  page += version;
  page += "</h1><p>";
  page += old ? "The toy shop as you know it." : "The toy shop, all new.";
  page += "</p><p>Reload: each request is drawn anew.</p></main></body>";
  return page.append(DemoService::end_of_answer);
}

std::string export_of(std::string_view version) {
  std::string rows = "<!doctype html>\n<html lang=\"en\"><title>Orders</title><pre>\n";
  for (std::size_t row = 1; row <= export_rows; ++row)
    rows.append("order ").append(std::to_string(row)).append(" kept by ").append(version) += '\n';
  return rows.append("</pre>").append(DemoService::end_of_answer);
}

}  // namespace

DemoService::DemoService(std::string version, std::chrono::milliseconds export_time)
    : version_(std::move(version)),
      export_time_(export_time),
      page_(page_of(version_)),
      export_(export_of(version_)),
      server_([this](std::string_view target) { return answer(target); }) {}

DemoServer::Reply DemoService::answer(std::string_view target) {
  DemoServer::Reply reply;
  reply.fields = "X-Version: " + version_ + "\r\nContent-Type: ";
  if (target == "/healthz") {
    reply.fields += "text/plain\r\n";
    reply.body = "ok\n";
    reply.is_health_check = true;
    return reply;
  }
  ++requests_;
  reply.fields += "text/html; charset=utf-8\r\nCache-Control: no-store\r\n";
  const bool is_export = target == export_path;
  reply.body = is_export ? export_ : page_;
  if (is_export) reply.spread = export_time_;
  return reply;
}

}  // namespace sluice::proxy::program
