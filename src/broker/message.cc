#include "broker/message.h"

#include <new>

#include "base/block_cache.h"
#include "mqtt/encode.h"
#include "mqtt/properties.h"

namespace starling {
namespace {

// Properties that are forwarded lie behind the frame, not in it.
PublishHead plain_head(const MessageParts& parts) {
    PublishHead head;
    if (parts.properties.empty()) head.version = parts.version;
    head.topic = parts.topic.text;
    head.payload_size = parts.payload.size();
    return head;
}

}  // namespace

Ref<const Message> Message::make(const MessageParts& parts) {
    const std::size_t room = publish_size(plain_head(parts)).whole + parts.properties.size();
    void* place = BlockCache::take(sizeof(Message) + room);
    return Ref<const Message>::adopt(new (place) Message(parts, room));
}

Message::Message(const MessageParts& parts, std::size_t room)
    : topic_size_(static_cast<std::uint16_t>(parts.topic.text.size())),
      room_(static_cast<std::uint32_t>(room)),
      payload_size_(static_cast<std::uint32_t>(parts.payload.size())),
      expires_at_(parts.expires_at),
      publisher_(parts.publisher),
      publisher_hash_(parts.publisher_hash),
      topic_hash_(parts.topic.hash),
      qos_(parts.qos),
      retain_(parts.retain),
      is_v5_(parts.version == Version::V5 && parts.properties.empty()) {
    auto* out = reinterpret_cast<std::byte*>(this + 1);
    const PublishHead head = plain_head(parts);
    std::byte* at = write_publish_head(head, out);
    topic_at_ = static_cast<std::uint16_t>(at - out - topic_size_ - (is_v5_ ? 1 : 0));
    at = store_bytes(at, parts.payload);
    frame_size_ = static_cast<std::uint32_t>(at - out);
    forwarded_size_ = static_cast<std::uint32_t>(copy_forwarded(parts.properties, at));
}

std::string_view Message::topic() const { return as_text(Bytes{bytes() + topic_at_, topic_size_}); }

void Message::destroy(const Message* message) {
    const std::size_t size = sizeof(Message) + message->room_;
    message->~Message();
    BlockCache::give_back(const_cast<Message*>(message), size);
}

}  // namespace starling
