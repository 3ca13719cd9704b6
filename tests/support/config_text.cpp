#include "tests/support/config_text.hpp"

namespace sluice::support {

ConfigText& ConfigText::pool(const std::string& name, const std::vector<std::string>& backends,
                             const std::string& lines) {
  pools_and_routes_ += "\n[pool." + name + "]\nbackends = [";
  for (std::size_t at = 0; at < backends.size(); ++at)
    pools_and_routes_ += (at > 0 ? ", \"" : "\"") + backends[at] + "\"";
  pools_and_routes_ += "]\n" + lines;
  return *this;
}

ConfigText& ConfigText::route(const std::string& name, const std::string& split,
                              const std::string& lines) {
  pools_and_routes_ += "\n[route." + name + "]\nsplit = { " + split + " }\n" + lines;
  return *this;
}

std::string ConfigText::text(const std::string& own_state_dir) const {
  std::string out = "[server]\n" + server;
  const std::string own = keeps_state ? own_state_dir : std::string();
  out += "state_dir = \"" + (state_dir.empty() ? own : state_dir) + "\"\n";
  out += "\n[admin]\naddress = \"" + admin_address + "\"\n" + admin;
  out += "\n[log]\n" + log + "\n" + tables;
  for (const std::string& address : listeners)
    out += "\n[[listener]]\naddress = \"" + address + "\"\n" +
           (shares_listeners ? "shared = true\n" : "");
  return out + pools_and_routes_;
}

ConfigText one_pool(const std::string& backend, const std::string& pool_lines,
                    const std::string& route_lines) {
  ConfigText config;
  config.pool("v1", {backend}, pool_lines).route("all", "v1 = 100", route_lines);
  return config;
}

ConfigText two_pools(const std::string& v1, const std::string& v2, const std::string& weight_v1,
                     const std::string& weight_v2, const std::string& route_lines,
                     const std::string& pool_lines) {
  ConfigText config;
  config.pool("v1", {v1}, pool_lines).pool("v2", {v2}, pool_lines);
  config.route("all", "v1 = " + weight_v1 + ", v2 = " + weight_v2, route_lines);
  return config;
}

}  // namespace sluice::support
