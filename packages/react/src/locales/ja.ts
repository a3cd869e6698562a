import type { Texts } from './texts.ts'

export const japanese: Texts = {
  language: 'ja',

  continueWith: '{provider}で続ける',
  signIn: 'ログイン',
  signUp: 'アカウントを作成',
  lastUsed: '前回使用',
  loading: '読み込み中…',
  goingOn: '{provider}に移動しています…',
  loadingFailed: '読み込めませんでした。',
  authFailed: 'ログイン状態を確認できませんでした。',
  noProviders: '現在、ログインできません。',
  tryAgain: '再試行',
  close: '閉じる',
  signedIn: 'ログインしています',

  signOut: 'ログアウト',
  signOutOthers: '他のすべてのデバイスからログアウト',
  signOutGlobal: 'すべてのデバイスからログアウト',
  signingOut: 'ログアウト中…',
  signOutFailed: 'ログアウトできませんでした。もう一度お試しください。',

  accountOf: '{name}のアカウント',
  account: 'アカウント',
  profile: 'プロフィール',
  name: '名前',
  unconfirmed: '未確認',
  save: '保存',
  saved: '保存しました。',
  identities: '連携アカウント',
  connect: '{provider}と連携',
  disconnect: '連携を解除',
  disconnectQuestion: '解除すると、{provider}ではログインできなくなります。',
  disconnected: '{provider}との連携を解除しました。',
  sessions: 'ログイン中のデバイス',
  thisDevice: 'このデバイス',
  unknownDevice: '不明なデバイス',
  lastUsedAt: '最終利用：{date}',
  since: '{date}からログイン中',
  signOutDevice: '{device}からログアウト',
  deviceSignedOut: '{device}からログアウトしました。',
  othersSignedOut: '他のすべてのデバイスからログアウトしました。',
  export: 'お客様のデータ',
  exportNote: '保存されているお客様の情報をすべてダウンロードできます。',
  download: 'ダウンロード',
  delete: 'アカウントを削除',
  deleteQuestion: 'アカウントとその内容がすべて完全に削除されます。この操作は取り消せません。',
  deleteNow: '完全に削除',

  unknownError: 'ログインできませんでした。もう一度お試しください。',
  // プロバイダー would be understood as the user's Internet provider.
  unknownProvider: '認証サービス',
  errors: {
    access_denied: 'ログインをキャンセルしました。',
    account_inactive: '{provider}によると、このアカウントは有効ではありません。',
    email_missing:
      '{provider}からメールアドレスを取得できませんでした。アカウントに追加してから、もう一度お試しください。',
    email_not_allowed:
      'このメールアドレスは利用できません。別のアカウントを使うか、サイトの管理者にお問い合わせください。',
    email_unverified:
      '{provider}でメールアドレスが確認されていません。確認してから、もう一度お試しください。',
    flow_expired: 'ログインに時間がかかりすぎました。もう一度お試しください。',
    flow_missing:
      'このログインは別のブラウザーまたはウィンドウで開始されました。ここで最初からやり直してください。',
    flow_used: 'このログインはすでに完了しています。最初からやり直してください。',
    provider_bad_answer:
      '{provider}からの応答を読み取れませんでした。時間をおいてもう一度お試しください。',
    provider_refused: '{provider}がログインを拒否しました。時間をおいてもう一度お試しください。',
    provider_unavailable:
      '{provider}に現在接続できません。しばらくしてからもう一度お試しください。',
    refused: 'ここにはサインインできません。サイトの管理者にお問い合わせください。',
    sign_up_closed:
      'このサイトでは新しいアカウントを作成できません。サイトの管理者にお問い合わせください。',
    user_banned: 'このアカウントは停止されています。サイトの管理者にお問い合わせください。',

    cross_site: '別のサイトから送信されたリクエストのため、ブロックされました。',
    forbidden: 'この操作を行う権限がありません。',
    invalid_request: 'リクエストを処理できませんでした。',
    not_found: 'ページが見つかりません。',
    prefetch_refused: 'リンクまたはボタンをクリックしてこのページを開いてください。',
    too_many_requests: '試行回数が多すぎます。しばらくしてからもう一度お試しください。',
    reauth_required: 'ご本人確認のため、もう一度ログインしてください。',
    server_error: 'サーバー側で問題が発生しました。もう一度お試しください。',
    unauthenticated: '続行するにはログインしてください。',
    unavailable: '現在ご利用いただけません。しばらくしてからもう一度お試しください。',

    unreachable: 'サーバーに現在接続できません。しばらくしてからもう一度お試しください。',
    bad_answer: 'サーバーからの応答を読み取れませんでした。時間をおいてもう一度お試しください。',
  },
}
