import type { Texts } from './texts.ts'

// \u00a0 keeps an ellipsis on the same line as its word.
export const german: Texts = {
  language: 'de',

  continueWith: 'Weiter mit {provider}',
  signIn: 'Anmelden',
  signUp: 'Konto erstellen',
  lastUsed: 'Zuletzt verwendet',
  loading: 'Wird geladen\u00a0…',
  goingOn: '{provider} wird geöffnet\u00a0…',
  loadingFailed: 'Der Inhalt konnte nicht geladen werden.',
  authFailed: 'Wir konnten nicht prüfen, ob Sie angemeldet sind.',
  noProviders: 'Derzeit ist keine Anmeldung möglich.',
  tryAgain: 'Erneut versuchen',
  close: 'Schließen',
  signedIn: 'Sie sind angemeldet',

  signOut: 'Abmelden',
  signOutOthers: 'Auf allen anderen Geräten abmelden',
  signOutGlobal: 'Auf allen Geräten abmelden',
  signingOut: 'Abmeldung läuft\u00a0…',
  signOutFailed: 'Sie sind noch angemeldet. Bitte versuchen Sie es erneut.',

  accountOf: 'Konto von {name}',
  account: 'Ihr Konto',
  profile: 'Profil',
  name: 'Name',
  unconfirmed: 'Nicht bestätigt',
  save: 'Speichern',
  saved: 'Gespeichert.',
  identities: 'Verbundene Konten',
  connect: '{provider} verbinden',
  disconnect: 'Trennen',
  disconnectQuestion: 'Danach können Sie sich nicht mehr mit {provider} anmelden.',
  disconnected: '{provider} ist nicht mehr verbunden.',
  sessions: 'Angemeldete Geräte',
  thisDevice: 'Dieses Gerät',
  unknownDevice: 'Unbekanntes Gerät',
  lastUsedAt: 'Zuletzt verwendet: {date}',
  since: 'Seit {date}',
  signOutDevice: '{device} abmelden',
  deviceSignedOut: '{device} wurde abgemeldet.',
  othersSignedOut: 'Alle anderen Geräte wurden abgemeldet.',
  export: 'Ihre Daten',
  exportNote: 'Laden Sie alle Daten herunter, die wir über Sie speichern.',
  download: 'Herunterladen',
  delete: 'Konto löschen',
  deleteQuestion:
    'Ihr Konto wird mit allen Inhalten endgültig gelöscht. Das lässt sich nicht rückgängig machen.',
  deleteNow: 'Endgültig löschen',

  unknownError: 'Die Anmeldung ist fehlgeschlagen. Bitte versuchen Sie es erneut.',
  unknownProvider: 'Der Anbieter',
  errors: {
    access_denied: 'Sie haben die Anmeldung abgebrochen.',
    account_inactive: '{provider} meldet, dass dieses Konto nicht aktiv ist.',
    email_missing:
      '{provider} hat keine E-Mail-Adresse übermittelt. Fügen Sie dort eine hinzu und versuchen Sie es erneut.',
    email_not_allowed:
      'Ihre E-Mail-Adresse ist hier nicht zugelassen. Verwenden Sie ein anderes Konto oder wenden Sie sich an den Betreiber der Website.',
    email_unverified:
      '{provider} hat Ihre E-Mail-Adresse nicht bestätigt. Bestätigen Sie sie dort und versuchen Sie es erneut.',
    flow_expired: 'Die Anmeldung hat zu lange gedauert. Bitte versuchen Sie es erneut.',
    flow_missing:
      'Sie haben diese Anmeldung in einem anderen Browser oder Fenster begonnen. Bitte beginnen Sie hier von vorn.',
    flow_used: 'Diese Anmeldung wurde bereits abgeschlossen. Bitte beginnen Sie von vorn.',
    provider_bad_answer:
      '{provider} hat eine ungültige Antwort gesendet. Bitte versuchen Sie es später erneut.',
    provider_refused:
      '{provider} hat die Anmeldung abgelehnt. Bitte versuchen Sie es später erneut.',
    provider_unavailable:
      '{provider} ist derzeit nicht erreichbar. Bitte versuchen Sie es in Kürze erneut.',
    refused:
      'Sie können sich hier nicht anmelden. Bitte wenden Sie sich an den Betreiber der Website.',
    sign_up_closed:
      'Hier können derzeit keine neuen Konten erstellt werden. Bitte wenden Sie sich an den Betreiber der Website.',
    user_banned: 'Dieses Konto wurde gesperrt. Bitte wenden Sie sich an den Betreiber der Website.',

    cross_site: 'Diese Anfrage wurde blockiert, weil sie von einer anderen Website kam.',
    forbidden: 'Sie sind dazu nicht berechtigt.',
    invalid_request: 'Die Anfrage konnte nicht verarbeitet werden.',
    not_found: 'Seite nicht gefunden.',
    prefetch_refused: 'Bitte öffnen Sie diese Seite über einen Link oder eine Schaltfläche.',
    too_many_requests:
      'Zu viele Versuche. Bitte warten Sie einen Moment und versuchen Sie es dann erneut.',
    reauth_required: 'Bitte melden Sie sich erneut an, um Ihre Identität zu bestätigen.',
    server_error: 'Bei uns ist ein Fehler aufgetreten. Bitte versuchen Sie es erneut.',
    unauthenticated: 'Bitte melden Sie sich an, um fortzufahren.',
    unavailable: 'Das ist derzeit nicht möglich. Bitte versuchen Sie es in Kürze erneut.',

    unreachable: 'Der Server ist derzeit nicht erreichbar. Bitte versuchen Sie es in Kürze erneut.',
    bad_answer:
      'Der Server hat eine ungültige Antwort gesendet. Bitte versuchen Sie es später erneut.',
  },
}
