#pragma once

#include <string>
#include <thread>

/// A service of one answer: its name.
class Backend {
 public:
  explicit Backend(std::string name);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend();

  std::string address() const;

 private:
  void serve();

  std::string name_;
  int listening_;
  std::thread thread_;
};

/// The body of the answer to GET / at `address`; "" when none comes.
std::string ask(const std::string& address);
