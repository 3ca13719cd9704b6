#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::proxy::program {

struct ReceivedEvent {
  std::string id;  ///< "": the event carries none
  std::string type;
  std::string body;
};

/// Reads a stream of server-sent events (WHATWG HTML section 9.2.6), cut anywhere.
class EventReader {
 public:
  /// The events that `piece` completes.
  std::vector<ReceivedEvent> feed(std::string_view piece);

 private:
  void take_line(std::string_view line);

  std::string rest_;
  ReceivedEvent event_;
  std::vector<ReceivedEvent> complete_;
};

}  // namespace sluice::proxy::program
